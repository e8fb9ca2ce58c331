"""Brings the local cloud up (`python3 local/up.py`) or down (`python3 local/up.py down`); harmless when repeated."""

import concurrent.futures
import hashlib
import os
import subprocess
import sys

import build
import cloud
import place
import process
from progress import Board, Failed, bold, dim, mark

PORTS = (
    (place.DOOR_PORT, "door", "the front door", "WATCHKEEPER_PORT"),
    (place.CLOUD_PORT, cloud.NAME, "the local cloud", "WATCHKEEPER_CLOUD_PORT"),
    (place.PHONE_PORT, "phone", "the phone", "WATCHKEEPER_PHONE_PORT"),
)


def check_ports():
    """Refuses to start beside a stranger on one of our ports."""
    for port, name, what, variable in PORTS:
        if process.port_taken(port) and not process.running(name, port):
            raise Failed(
                f"port {port}, which {what} needs, is taken by another program ({_who(port)}).\n"
                f"Stop that program, or choose another port: {variable}={port + 100} make up"
            )


def _who(port):
    try:
        found = subprocess.run(
            ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"], capture_output=True, text=True, timeout=5, check=False
        ).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        found = []
    known = {line[0]: line[1:] for line in found}
    return f"{known['c']}, pid {known['p']}" if {"c", "p"} <= set(known) else f"see: lsof -i :{port} or ss -ltnp"


def make(board):
    """Environments and builds side by side: the network is waited for while the compiler works."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(build.environment, board.step("emulator"), place.CLOUD_VENV, place.ROOT / "local/requirements-cloud.txt"),
            pool.submit(build.environment, board.step("tools"), place.TOOLS_VENV, place.ROOT / "infra/requirements.txt"),
            pool.submit(build.functions, board.step("functions")),
            pool.submit(build.command, board.step("command")),
        ]
        concurrent.futures.wait(jobs, return_when=concurrent.futures.FIRST_EXCEPTION)
        failures = [job.exception() for job in jobs if job.done() and job.exception()]
        if failures:
            build.abandon()
            raise failures[0]


def keep(board, name, label, argv, port):
    """Starts a helper of ours, or starts it again when its arguments changed."""
    step = board.step(label)
    known = process.running(name, port)
    argv = [sys.executable, *map(str, argv)]
    if known and known["argv"] == argv and process.port_taken(port):
        step.skip(f"http://127.0.0.1:{port}")
        return
    process.stop(name)
    log = place.STATE / f"{name}.log"
    child = process.start(name, port, argv, place.clean_environment(), log)
    if not process.wait_for_port(port, child):
        step.fail()
        raise Failed(f"{label} did not start; see {log.relative_to(place.ROOT)}")
    step.done(f"http://127.0.0.1:{port}")


def apply_policy(board, token):
    """Applies the sample policy when none is active yet: what a person applied since stays."""
    step = board.step("sample policy")
    text = place.POLICY.read_text()
    here = place.STATE / "policy.yaml"
    here.write_text(text.replace("127.0.0.1:4567", f"127.0.0.1:{place.PHONE_PORT}"))
    stamp = place.STATE / "policy-applied"
    wanted = f"{process.running(cloud.NAME)['born']} {hash_of(here)}"
    if stamp.is_file() and stamp.read_text() == wanted:
        step.skip("unchanged")
        return
    env = {**os.environ, "WATCHKEEPER_URL": place.DOOR, "WATCHKEEPER_TOKEN": token}
    file = place.POLICY if here.read_text() == text else here
    applied = subprocess.run(
        [str(place.COMMAND), "policy", "apply", str(file.relative_to(place.ROOT)), "--yes", "--days", "0"],
        cwd=place.ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if applied.returncode:
        step.fail()
        raise Failed(f"watchkeeper policy apply failed:\n{applied.stdout}{applied.stderr}".rstrip())
    stamp.write_text(wanted)
    step.done("policy/sample.yaml")


def hash_of(path):
    """A short fingerprint of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def write_env(values, outputs):
    """Writes what scripts need, as NAME=value lines."""
    lines = {
        "WATCHKEEPER_URL": place.DOOR,
        "WATCHKEEPER_TOKEN": values["token"],
        "WATCHKEEPER_PAGERDUTY_KEY": values["integrations/pagerduty"],
        "WATCHKEEPER_OPSGENIE_KEY": values["integrations/opsgenie"],
        "WATCHKEEPER_HOOK_SECRET": values["integrations/generic"],
        "WATCHKEEPER_PHONE_LOG": place.PHONE_LOG,
        "EVIDENCE_BUCKET": outputs["EvidenceBucket"],
        "AWS_ENDPOINT_URL": place.CLOUD,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": place.REGION,
        "AWS_REGION": place.REGION,
    }
    place.ENV_FILE.touch(mode=0o600)
    place.ENV_FILE.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def up(board):
    """Everything, in order; each part skips itself when nothing changed."""
    place.STATE.mkdir(parents=True, exist_ok=True)
    build.check_tools()
    check_ports()
    make(board)
    cloud.start(board.step("local cloud"))
    if cloud.stack_is_broken():
        process.stop(cloud.NAME)
        cloud.start(board.step("local cloud again"))
    values = cloud.secrets()
    cloud.store_secrets(values)
    place.PHONE_LOG.touch()
    keep(board, "phone", "phone", [place.ROOT / "local/phone.py", place.PHONE_PORT, place.PHONE_LOG, place.STATE / "secrets.json"],
         place.PHONE_PORT)
    outputs = cloud.deploy(board.step("deploy"))
    api = outputs.get("ApiId")
    if not api:
        raise Failed("the stack has no output ApiId; infra/template.yaml must name it")
    keep(board, "door", "front door", [place.ROOT / "local/door.py", place.DOOR_PORT, place.CLOUD_PORT, api], place.DOOR_PORT)
    apply_policy(board, values["token"])
    write_env(values, outputs)
    return values


def greet(values):
    """Says where things are and what to try."""
    key = values["integrations/pagerduty"]
    print(f"""
{bold('Watchkeeper is up.')}

  API     {place.DOOR}
  phone   {place.PHONE}  {dim('the pages that arrive, in a browser')}
  AWS     {place.CLOUD}
  token   {values['token']}

Try

  curl -s {place.DOOR}/v2/enqueue -H 'content-type: application/json' -d '{{"routing_key":"{key}","event_action":"trigger","payload":{{"summary":"Disk full on db-1","source":"db-1","severity":"critical"}}}}'
  set -a; . target/local/env; set +a; target/release/watchkeeper incidents
  make demo

{dim('make down stops it. For scripts: target/local/env')}""")


def down():
    """Stops what we started."""
    stopped = [name for name in ("door", "phone", cloud.NAME) if process.stop(name)]
    for path in (place.ENV_FILE, cloud.DEPLOYED, place.STATE / "policy-applied"):
        path.unlink(missing_ok=True)
    cloud.clean()
    print(f"{mark('ok')} {'stopped ' + ', '.join(stopped) if stopped else 'nothing was running'}")


def main(arguments):
    """Up, down, or only a part of the way up."""
    board = Board()
    try:
        if arguments == ["down"]:
            down()
        elif arguments == ["build"]:
            build.check_tools()
            make(board)
        elif arguments == ["tools"]:
            build.environment(board.step("tools"), place.TOOLS_VENV, place.ROOT / "infra/requirements.txt")
        elif arguments == ["checkov"]:
            build.environment(board.step("checkov"), place.CHECKOV_VENV, place.ROOT / "infra/requirements-checkov.txt")
        elif arguments[:1] == ["deploy"]:
            # With other parameters, onto the cloud that runs: what a team does whenever it changes one.
            cloud.deploy(board.step("deploy"), dict(pair.split("=", 1) for pair in arguments[1:] if "=" in pair))
        elif arguments in ([], ["up"]):
            greet(up(board))
        else:
            print("usage: python3 local/up.py [up|down|build|tools|checkov|deploy NAME=VALUE ...]", file=sys.stderr)
            return 2
    except Failed as failure:
        print(f"{mark('fail')} {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; make up goes on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main(sys.argv[1:]))
