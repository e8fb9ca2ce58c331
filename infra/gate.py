"""The template gate: what `make check` asks of infra/template.yaml, with the network cut.

The linters see nothing inside SAM's own resources, so the template is translated to plain CloudFormation first, with the
state machines' definitions put in. Then it is asked about by the rules of ours, checkov, cfn-lint and SAM's own validation.
Usage: gate.py [OUT], where OUT is the folder for the translated template.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
os.environ.setdefault("SAM_CLI_TELEMETRY", "0")

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

import rules

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "template.yaml"
BIN = Path(sys.executable).parent
# In an environment of its own, because it pins other versions of the same libraries.
CHECKOV = HERE.parent / ".venv" / "checkov" / "bin" / "checkov"

# What checkov asks for and the template does not do, each with its reason. What we do instead of 26, 27 and 116 is in rules.py.
SKIPPED = {
    "CKV_AWS_18": "who read evidence through us is in the log; who went past us, CloudTrail's data events tell, for the account",
    "CKV_AWS_26": "CloudWatch and SES cannot publish through the key that is free",
    "CKV_AWS_27": "it knows keys of ours alone; every queue is encrypted with SQS's own",
    "CKV_AWS_115": "a reservation is taken from the account's pool, which in a new account is too small to give any away",
    "CKV_AWS_116": "it knows the older way alone; what is called and not waited for has a destination for what fails",
    "CKV_AWS_117": "nothing here has an address inside a VPC, and the way out of one is a NAT that costs while nothing happens",
    "CKV_AWS_119": "DynamoDB encrypts with a key of its own; one of ours would cost while nothing happens",
    "CKV_AWS_158": "CloudWatch encrypts with a key of its own, and logs hold no secret; a key of ours would cost while nothing happens",
    "CKV_AWS_173": "Lambda encrypts with a key of its own, and variables hold names, never a secret",
}


class NoManagedPolicies:
    """Stands for the list of managed policies, which SAM would fetch."""

    def load(self):
        return {}


def translate():
    """The template as plain CloudFormation, definitions included."""
    source = yaml_parse(TEMPLATE.read_text())
    definitions = {}
    for name, resource in source["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = "s3://bucket/key"
        if resource["Type"] == "AWS::Serverless::StateMachine":
            definition = (HERE / properties.pop("DefinitionUri")).read_text()
            # cfn-lint knows the ARNs of AWS's integrations by their text.
            definitions[name] = json.loads(definition.replace("${Partition}", "aws"))
            properties["Definition"] = definitions[name]
    template = transform(source, {}, NoManagedPolicies())
    for name, definition in definitions.items():
        # SAM makes a string of it, and cfn-lint reads no states in a string.
        del template["Resources"][name]["Properties"]["DefinitionString"]
        template["Resources"][name]["Properties"]["Definition"] = definition
    return template


def run(*command):
    """Whether a tool is content; it says itself why not."""
    print("$", " ".join(str(part) for part in command), flush=True)
    return subprocess.run([str(part) for part in command], check=False).returncode == 0


def checkov(translated):
    """What checkov finds and nobody argued for, and arguments that it does not need."""
    # Without the download it asks nobody; it would fetch how its own platform ranks each finding.
    command = [CHECKOV, "--file", translated, "--framework", "cloudformation", "--skip-download", "--quiet", "--output", "json"]
    print("$", *command, flush=True)
    told = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
    answer = json.loads(told)
    # Where there is nothing to check the counts are the whole answer.
    counts = answer.get("summary", answer)
    if counts["parsing_errors"] or not counts["resource_count"]:
        yield "checkov: cannot read the template"
        return
    failed = answer["results"]["failed_checks"]
    for check in failed:
        if check["check_id"] not in SKIPPED:
            yield f"checkov: {check['resource'].split('.')[-1]}: {check['check_id']} {check['check_name']}"
    for skipped in sorted(SKIPPED.keys() - {check["check_id"] for check in failed}):
        yield f"checkov: {skipped} is skipped, and finds nothing"


def main():
    out = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "target" / "gate")
    out.mkdir(parents=True, exist_ok=True)
    template = translate()
    translated = out / "template.json"
    translated.write_text(json.dumps(template, indent=1))

    findings = [finding for rule in rules.ALL for finding in rule(template)]
    findings += checkov(translated)
    for finding in findings:
        print("gate:", finding)
    content = not findings
    content &= run(BIN / "cfn-lint", "--non-zero-exit-code", "warning", translated)
    content &= run(BIN / "sam", "validate", "--lint", "--template", TEMPLATE, "--region", "eu-central-1")
    print("gate:", "content" if content else "not content")
    sys.exit(0 if content else 1)


if __name__ == "__main__":
    main()
