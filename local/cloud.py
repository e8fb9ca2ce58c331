"""The emulated AWS account: starts it, gives it its secrets, and deploys the template that goes to AWS as it is.

The emulator (MiniStack) lacks a few things. They are bridged here, never by a second template:

- A host name of its own for the HTTP API does not resolve on every machine: door.py serves it at an address without a path.
- Parameters of type SecureString cannot be made by any template, here or on AWS: `secrets` makes them.
- `aws.*` events cannot be put on the bus, here or on AWS: the demo calls the function as the rule would.
- It checks three calls by other names than IAM does: `rights` grants the difference. And it has no TLS to insist on.
- It leaves out the Object Lock that the template asks for: `deploy` sets it, for a day.
- A stack that failed to be created stays in the way: `deploy` starts with an empty account then.
"""

import base64
import hashlib
import json
import os
import secrets as randomness
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import aws
import place
import process
import rights
from progress import Failed

NAME = "ministack"
LOG = place.STATE / "ministack.log"
UNPACKED = place.STATE / "tmp"
DEPLOYED = place.STATE / "deployed.json"
DEPLOY_LOG = place.STATE / "deploy.log"
RETENTION_DAYS = 1


def healthy():
    """Whether the emulator answers."""
    try:
        with urllib.request.urlopen(f"{place.CLOUD}/_ministack/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def start(step):
    """Starts the emulator on loopback with IAM enforced, unless it runs."""
    if process.running(NAME, place.CLOUD_PORT) and healthy():
        step.skip(place.CLOUD)
        return
    process.stop(NAME)
    DEPLOYED.unlink(missing_ok=True)
    # Functions inherit this environment, so it holds nothing but what they may see.
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(place.CLOUD_PORT),
        AWS_ENDPOINT_URL=place.CLOUD,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION=place.REGION,
        AWS_EC2_METADATA_DISABLED="true",
        IOT_MTLS_ENABLED="0",
        TMPDIR=str(UNPACKED),
        PYTHONUNBUFFERED="1",
    )
    clean()
    UNPACKED.mkdir()
    LOG.write_bytes(b"")
    child = process.start(NAME, place.CLOUD_PORT, [place.CLOUD_VENV / "bin" / "python", "-m", "ministack"], env, LOG)
    for _ in range(300):
        if healthy():
            step.done(place.CLOUD)
            return
        if child.poll() is not None:
            break
        time.sleep(0.1)
    step.fail()
    tail = "\n".join(LOG.read_text(errors="replace").splitlines()[-15:])
    raise Failed(f"the local cloud did not start; its log is {LOG.relative_to(place.ROOT)}:\n{tail}")


def clean():
    """Removes the functions that a stopped emulator had unpacked: a few hundred megabytes after some deploys."""
    shutil.rmtree(UNPACKED, ignore_errors=True)


def secrets():
    """The secrets of this machine: made once, kept in a file that only its owner reads, and given to the cloud."""
    path = place.STATE / "secrets.json"
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    made = {
        "integrations/pagerduty": randomness.token_hex(16),
        "integrations/opsgenie": randomness.token_hex(16),
        "integrations/generic": _webhook_secret(),
        "phone": _webhook_secret(),
        "token": randomness.token_urlsafe(32),
        "links": randomness.token_hex(32),
        **known,
    }
    if made != known:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(json.dumps(made, indent=1))
    return made


def _webhook_secret():
    return "whsec_" + base64.b64encode(randomness.token_bytes(32)).decode()


def store_secrets(values):
    """Puts the secrets where the functions look for them."""
    for name, value in values.items():
        if name == "token":
            aws.put_secret("tokens", f"local {value}")
        else:
            aws.put_secret(name, value)


def _fingerprint(parameters):
    digest = hashlib.sha256(json.dumps([parameters, process.running(NAME)]).encode())
    sources = [place.TEMPLATE, *sorted((place.ROOT / "statemachines").glob("*"))]
    for path in [*sources, *(place.LAMBDAS / name / "bootstrap" for name in place.functions())]:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def deploy(step, chosen=None):
    """Deploys what changed, with the `chosen` parameters beside those that a local cloud needs; gives the stack's outputs."""
    parameters = {
        "Architecture": place.architecture(),
        "PublicUrl": place.DOOR,
        "WebhookAllow": f"127.0.0.1:{place.PHONE_PORT}",
        "TlsOnly": "false",
        "EvidenceRetentionDays": RETENTION_DAYS,
        **(chosen or {}),
    }
    fingerprint = _fingerprint(parameters)
    status, outputs = aws.stack()
    if status and status.endswith("_COMPLETE") and "ROLLBACK" not in status and DEPLOYED.is_file():
        if DEPLOYED.read_text() == fingerprint:
            step.skip("unchanged")
            return outputs
    _sam_deploy(step, parameters)
    rights.bridge(place.REGION)
    aws.lock(aws.physical_id("EvidenceBucket"), "COMPLIANCE", RETENTION_DAYS)
    DEPLOYED.write_text(fingerprint)
    status, outputs = aws.stack()
    step.done()
    return outputs


def _sam_deploy(step, parameters):
    # A configuration of its own, so that nobody's settings for the real account have a say.
    config = place.STATE / "samconfig.toml"
    config.write_text("version = 0.1\n")
    command = [place.TOOLS_VENV / "bin" / "sam", "deploy", "-t", place.TEMPLATE, "--config-file", config]
    command += ["--stack-name", place.STACK, "--region", place.REGION, "--resolve-s3", "--no-confirm-changeset"]
    command += ["--no-fail-on-empty-changeset", "--no-progressbar", "--capabilities", "CAPABILITY_IAM"]
    command += ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND", "--parameter-overrides"]
    # In quotes: the SAM CLI takes what comes after a blank for another parameter.
    command += [f"{name}={json.dumps(value)}" for name, value in parameters.items()]
    env = place.clean_environment(SAM_CLI_TELEMETRY="0", SAM_CLI_POLL_DELAY="1", PYTHONUNBUFFERED="1")
    step.update("starting the SAM CLI")
    with open(DEPLOY_LOG, "w", encoding="utf-8") as log:
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=place.ROOT, env=env, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        uploads = finished = 0
        for line in child.stdout:
            log.write(line)
            if "Uploading to" in line or "already exists in S3" in line or "already exists. Skipping" in line:
                uploads += 1
                step.update(f"code {uploads}/{len(place.functions())}")
            elif "Waiting for changeset" in line:
                step.update("planning")
            elif "_COMPLETE" in line and "CLEANUP" not in line:
                finished += 1
                step.update(f"{finished} resources")
    if child.wait():
        step.fail()
        raise Failed(_why())


def _why():
    found = [f"  {resource}: {reason}" for resource, reason in aws.failures()[:5]]
    if not found:
        lines = [line for line in DEPLOY_LOG.read_text().splitlines() if line.strip()]
        errors = [number for number, line in enumerate(lines) if line.startswith("Error:")]
        found = [f"  {line}" for line in lines[errors[-1] if errors else -8 :]]
    where = DEPLOY_LOG.relative_to(place.ROOT)
    logs = f"All of its output is in {where}, the emulator's in {LOG.relative_to(place.ROOT)}."
    return "\n".join(["the deploy failed:", *found, f"Correct infra/template.yaml and run make up again. {logs}"])


def stack_is_broken():
    """Whether an earlier deploy left a stack that can be neither used nor updated."""
    status, _ = aws.stack()
    return bool(status) and (status.startswith(("ROLLBACK", "REVIEW", "DELETE")) or status.endswith("_FAILED"))
