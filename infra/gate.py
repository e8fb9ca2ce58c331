"""The template gate: what `make check` asks of infra/template.yaml, with the network cut.

The linters see nothing inside SAM's own resources, so the template is translated to plain CloudFormation first, with the
state machines' definitions put in. Usage: gate.py [OUT], where OUT is the folder for the translated template.
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

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "template.yaml"
BIN = Path(sys.executable).parent

# Wildcards that stay, by the statement's name, each with its reason.
WILDCARDS = {
    "DeliverLogs": "the delivery of logs cannot be limited to a group",
    "SendTexts": "a telephone number has no ARN; topics are what NotResource takes out",
}

# Managed policies that SAM attaches to the roles it makes, each with its reason.
MANAGED = {
    "AWSLambdaBasicExecutionRole": "writes logs",
    "AWSXRayDaemonWriteAccess": "writes traces, which have no ARN",
    "AWSXrayWriteOnlyAccess": "writes traces, which have no ARN",
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


def listed(value):
    """`value` as a list."""
    return value if isinstance(value, list) else [value]


def text(value):
    """An ARN as far as it can be read without values: the text of a Sub, or of what it refers to."""
    return value if isinstance(value, str) else json.dumps(value)


def statements(resource):
    """Each statement of each policy that a resource carries."""
    properties = resource.get("Properties", {})
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [properties[name] for name in ("PolicyDocument", "AssumeRolePolicyDocument") if name in properties]
    documents += [resource["Properties"]["ResourcePolicy"]["PolicyDocument"]] if "ResourcePolicy" in properties else []
    for document in documents:
        for statement in listed(document["Statement"]):
            # The middle of an If is the statement as it stands on AWS.
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def wildcards(template):
    """Statements that allow more than they name."""
    for name, resource in template["Resources"].items():
        for statement in statements(resource):
            if statement["Effect"] != "Allow" or statement.get("Sid") in WILDCARDS:
                continue
            for action in listed(statement.get("Action", "*")):
                if "*" in action:
                    yield f"{name}: {statement.get('Sid')} allows the action {action}"
            assume = "sts:AssumeRole" in listed(statement.get("Action", []))
            for place in listed(statement.get("Resource", [] if assume else "*")):
                if text(place) == "*":
                    yield f"{name}: {statement.get('Sid')} allows every resource"
            if "*" in json.dumps(statement.get("Principal", "")):
                yield f"{name}: {statement.get('Sid')} allows everybody"


def managed(template):
    """Managed policies that nobody argued for."""
    for name, resource in template["Resources"].items():
        for arn in resource.get("Properties", {}).get("ManagedPolicyArns", []):
            if text(arn).rsplit("/", 1)[-1] not in MANAGED:
                yield f"{name}: has the managed policy {text(arn)}"


def roles(template):
    """Functions that share a role, or have one from elsewhere."""
    seen = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            role = text(resource["Properties"]["Role"])
            if role in seen:
                yield f"{name}: shares the role of {seen[role]}"
            seen[role] = name


def asynchronous(template):
    """Asynchronous ways in that lose what fails."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Events::Rule":
            for target in properties["Targets"]:
                if "DeadLetterConfig" not in target:
                    yield f"{name}: the target {target['Id']} has no dead-letter queue"
        if resource["Type"] == "AWS::SNS::Subscription" and "RedrivePolicy" not in properties:
            yield f"{name}: has no dead-letter queue"
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig" and "OnFailure" not in properties["DestinationConfig"]:
            yield f"{name}: has no destination for what fails"


# SAM writes its own policies for the destination of what fails and for the target of a schedule, without names.
UNNAMED = {"sqs:SendMessage", "lambda:InvokeFunction", "states:StartExecution"}


def names(template):
    """Roles whose statements have no name to be found by."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"].get("Policies", []):
                for statement in listed(policy["PolicyDocument"]["Statement"]):
                    if "Sid" not in statement and statement["Action"] not in UNNAMED:
                        yield f"{name}: a statement has no Sid"


def run(*command):
    """Whether a tool is content; it says itself why not."""
    print("$", " ".join(str(part) for part in command), flush=True)
    return subprocess.run([str(part) for part in command], check=False).returncode == 0


def main():
    out = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "target" / "gate")
    out.mkdir(parents=True, exist_ok=True)
    template = translate()
    translated = out / "template.json"
    translated.write_text(json.dumps(template, indent=1))

    findings = [finding for check in (wildcards, managed, roles, asynchronous, names) for finding in check(template)]
    for finding in findings:
        print("gate:", finding)
    content = not findings
    content &= run(BIN / "cfn-lint", "--non-zero-exit-code", "warning", translated)
    content &= run(BIN / "sam", "validate", "--lint", "--template", TEMPLATE, "--region", "eu-central-1")
    print("gate:", "content" if content else "not content")
    sys.exit(0 if content else 1)


if __name__ == "__main__":
    main()
