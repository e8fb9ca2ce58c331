"""The rules of ours: what the linters do not ask of the translated template. Each is a generator of findings.

What needs the sources too (each function's file, the policy's words) is asked by tests/it/template.rs, and the ways through a
state machine by tests/it/statemachines.rs.
"""

import json

import jsonata

# Wildcards that stay, by the statement's name, each with its reason.
WILDCARDS = {
    "AccountDecides": "a key's policy is about that key alone, and without its account nobody could ever change it",
    "DeliverLogs": "the delivery of logs cannot be limited to a group",
    "SendTexts": "a telephone number has no ARN; topics are what NotResource takes out",
}

# Managed policies that SAM attaches to the roles it makes, each with its reason. Which one writes traces is the partition's.
MANAGED = {
    "AWSLambdaBasicExecutionRole": "writes logs",
    "AWSXRayDaemonWriteAccess": "writes traces, which have no ARN",
    "AWSXrayWriteOnlyAccess": "writes traces, which have no ARN",
}

# SAM writes its own policies for the destination of what fails and for the target of a schedule, without names.
UNNAMED = {"sqs:SendMessage", "lambda:InvokeFunction", "states:StartExecution"}

# Topics that are not encrypted with a key, each with its reason.
PLAIN = {
    "AlarmsTopic": "CloudWatch cannot publish through the key that is free, and an alarm's text is no secret",
    "MailTopic": "SES cannot publish through the key that is free",
}

# Functions whose failures and whose slowness an alarm on something else tells of, by that alarm.
STAND_INS = {
    "ArchiveFunction": "ArchiveAgeAlarm",
    "CheckpointFunction": "CheckpointAgeAlarm",
    "ExportFunction": "ExportExecutionsAlarm",
}

# Those that somebody waits for over HTTP: a failure and a time-out are a 5xx of the API.
HTTP_STAND_IN = "HttpApiErrorsAlarm"

# How each of them says which of its neighbours a policy is about.
POLICY_OF = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}

# Where each of them has the name that nobody else in the account may have.
NAME_OF = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SES::ReceiptRuleSet": "RuleSetName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


def listed(value):
    """`value` as a list."""
    return value if isinstance(value, list) else [value]


def text(value):
    """An ARN as far as it can be read without values: the text of a Sub, or of what it refers to."""
    return value if isinstance(value, str) else json.dumps(value)


def target(value):
    """The resource that is referred to, by Ref or by GetAtt."""
    if not isinstance(value, dict):
        return None
    return value.get("Ref") or listed(value.get("Fn::GetAtt", [None]))[0]


def of_type(template, *kinds):
    """Each resource of these types, by its name, with its properties."""
    for name, resource in template["Resources"].items():
        if resource["Type"] in kinds:
            yield name, resource.get("Properties", {})


def statements(properties):
    """Each statement of each policy that a resource carries."""
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [properties[name] for name in ("PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy") if name in properties]
    documents += [properties["ResourcePolicy"]["PolicyDocument"]] if "ResourcePolicy" in properties else []
    for document in documents:
        for statement in listed(document["Statement"]):
            # The middle of an If is the statement as it stands on AWS.
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def wildcards(template):
    """Statements that allow more than they name."""
    for name, resource in template["Resources"].items():
        for statement in statements(resource.get("Properties", {})):
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
    for name, properties in of_type(template, "AWS::Lambda::Function"):
        role = text(properties["Role"])
        if role in seen:
            yield f"{name}: shares the role of {seen[role]}"
        seen[role] = name


def names(template):
    """Roles whose statements have no name to be found by."""
    for name, properties in of_type(template, "AWS::IAM::Role"):
        for policy in properties.get("Policies", []):
            for statement in listed(policy["PolicyDocument"]["Statement"]):
                if "Sid" not in statement and not UNNAMED.issuperset(listed(statement["Action"])):
                    yield f"{name}: a statement has no Sid"


def asynchronous(template):
    """Asynchronous ways in that lose what fails."""
    called = {}
    for name, properties in of_type(template, "AWS::Events::Rule"):
        for destination in properties["Targets"]:
            called[target(destination["Arn"])] = name
            if "DeadLetterConfig" not in destination:
                yield f"{name}: the target {destination['Id']} has no dead-letter queue"
    for name, properties in of_type(template, "AWS::Scheduler::Schedule"):
        called[target(properties["Target"]["Arn"])] = name
        if "DeadLetterConfig" not in properties["Target"]:
            yield f"{name}: its target has no dead-letter queue"
    for name, properties in of_type(template, "AWS::SNS::Subscription"):
        called[target(properties["Endpoint"])] = name
        if "RedrivePolicy" not in properties:
            yield f"{name}: has no dead-letter queue"
    for name, properties in of_type(template, "AWS::Lambda::EventSourceMapping"):
        # What comes from a queue goes back there, and from there to that queue's dead letters.
        queued = template["Resources"][target(properties["EventSourceArn"])]["Type"] == "AWS::SQS::Queue"
        if not queued and "OnFailure" not in properties.get("DestinationConfig", {}):
            yield f"{name}: has no destination for what fails"
    kept = {
        target(properties["FunctionName"])
        for _, properties in of_type(template, "AWS::Lambda::EventInvokeConfig")
        if "OnFailure" in properties.get("DestinationConfig", {})
    }
    for name, _ in of_type(template, "AWS::Lambda::Function"):
        if name in called and name not in kept:
            yield f"{name}: has no destination for what fails, though {called[name]} does not wait for it"


def encryption(template):
    """What is kept in the clear. DynamoDB has no such setting: it encrypts every table."""
    for name, properties in of_type(template, "AWS::SQS::Queue"):
        if properties.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in properties:
            yield f"{name}: is not encrypted"
    for name, properties in of_type(template, "AWS::S3::Bucket"):
        if "BucketEncryption" not in properties:
            yield f"{name}: is not encrypted"
    for name, properties in of_type(template, "AWS::SNS::Topic"):
        if "KmsMasterKeyId" not in properties and name not in PLAIN:
            yield f"{name}: is not encrypted"


def transport(template):
    """Buckets, topics and queues that answer plain HTTP."""
    refusing = set()
    for _, properties in of_type(template, *POLICY_OF):
        for statement in statements(properties):
            plain = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") == "false"
            if plain and statement["Effect"] == "Deny" and statement["Principal"] == "*":
                about = next(properties[key] for key in POLICY_OF.values() if key in properties)
                refusing.update(target(one) for one in listed(about))
    for name, _ in of_type(template, "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue"):
        if name not in refusing:
            yield f"{name}: answers without TLS"


def environment(template):
    """Values that are written in the template, where everybody reads a secret."""
    for name, properties in of_type(template, "AWS::Lambda::Function"):
        for variable, value in properties.get("Environment", {}).get("Variables", {}).items():
            if isinstance(value, str) and not value.isdigit():
                yield f"{name}: {variable} is no reference"


def alarms(template):
    """Failures that nobody hears of: letters, errors, throttles, and time-outs that come near."""
    known = dict(of_type(template, "AWS::CloudWatch::Alarm"))
    about = {}
    for name, properties in known.items():
        if "AlarmActions" not in properties:
            yield f"{name}: nobody hears it"
        of = [target(dimension["Value"]) for dimension in properties.get("Dimensions", [])]
        about[properties["MetricName"], of[0] if of else None] = properties
    if ("Throttles", None) not in about:
        yield "no alarm hears of Lambda's throttles"

    for name, _ in of_type(template, "AWS::SQS::Queue"):
        alarm = about.get(("ApproximateNumberOfMessagesVisible", name), {})
        first = (alarm.get("ComparisonOperator"), alarm.get("Threshold")) == ("GreaterThanThreshold", 0)
        if name.endswith("DeadLetters") and not first:
            yield f"{name}: no alarm hears of the first letter"

    http = {
        target(properties["FunctionName"])
        for _, properties in of_type(template, "AWS::Lambda::Permission")
        if properties["Principal"] == "apigateway.amazonaws.com"
    }
    for name, properties in of_type(template, "AWS::Lambda::Function"):
        if (HTTP_STAND_IN if name in http else STAND_INS.get(name)) in known:
            continue
        if ("Errors", name) not in about:
            yield f"{name}: no alarm hears of its errors"
        slow = about.get(("Duration", name), {})
        limit = properties["Timeout"] * 1000
        if slow.get("ExtendedStatistic") != "p99" or not 0 < slow["Threshold"] < limit:
            yield f"{name}: no alarm hears that it comes near its time-out of {limit} ms"


def expressions(template):
    """JSONata that cannot be read: cfn-lint takes it for text."""

    def walk(place, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from walk(f"{place}.{key}", inner)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from walk(f"{place}[{index}]", inner)
        elif isinstance(value, str) and value.startswith("{%"):
            try:
                jsonata.Jsonata(value.removeprefix("{%").removesuffix("%}"))
            except jsonata.jexception.JException as mistake:
                yield f"{place}: {mistake}"

    for name, properties in of_type(template, "AWS::StepFunctions::StateMachine"):
        yield from walk(name, properties["Definition"]["States"])


def copies(template):
    """Names that a second installation in the same account would take as well."""
    for name, properties in of_type(template, *NAME_OF):
        given = properties.get(NAME_OF[template["Resources"][name]["Type"]])
        if given is not None and "AWS::StackName" not in json.dumps(given):
            yield f"{name}: is called {text(given)} in every stack"


def reasons(template):
    """Exceptions that nothing needs any more."""
    there = set(template["Resources"])
    for resource in template["Resources"].values():
        there.update(statement.get("Sid") for statement in statements(resource.get("Properties", {})))
    for name in [*WILDCARDS, *PLAIN, *STAND_INS, *STAND_INS.values(), HTTP_STAND_IN]:
        if name not in there:
            yield f"{name}: is an exception, and is gone"


ALL = (
    wildcards, managed, roles, names, asynchronous, encryption, transport, environment, alarms, expressions, copies, reasons,
)  # fmt: skip
