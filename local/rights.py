"""What the emulator asks of a role and AWS does not: granted to the roles after the deploy, never in the template.

It checks three calls by another name or another resource than AWS does. Everything else stays enforced as it is on AWS.
"""

import aws

# SendMessageBatch is checked by its own name; on AWS it needs sqs:SendMessage, which the template grants.
BATCHES = {"Effect": "Allow", "Action": "sqs:SendMessageBatch"}
# GetParameters and SendEmail are checked against `*`; on AWS against each parameter, and against the sender's identity.
SECRETS = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
MAIL = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}


def bridge(region, account="000000000000"):
    """Grants the difference; doing it twice is harmless."""
    signals = f"arn:aws:sqs:{region}:{account}:{aws.physical_id('SignalsQueue').rsplit('/', 1)[-1]}"
    rights = {
        "Ingest": [{**BATCHES, "Resource": signals}, SECRETS],
        "Opsgenie": [{**BATCHES, "Resource": signals}, SECRETS],
        "Page": [SECRETS, MAIL],
        "Respond": [SECRETS, MAIL],
        "Api": [SECRETS],
        "Audit": [SECRETS],
        "Export": [SECRETS, MAIL],
        "Policy": [SECRETS],
        "Schedule": [SECRETS],
        "Silence": [SECRETS],
        "Heartbeat": [SECRETS],
        "Sweep": [SECRETS, MAIL],
    }
    for function, statements in rights.items():
        aws.allow(aws.physical_id(f"{function}FunctionRole"), "EmulatorGaps", statements)
