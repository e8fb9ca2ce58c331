"""Every rule of ours refuses what it is there to refuse: the template that it is content with, broken in one place."""

import copy
import unittest

import gate
import rules

TEMPLATE = gate.translate()


def properties(template, name):
    """The properties of a resource."""
    return template["Resources"][name]["Properties"]


def statement(template, role, sid):
    """A statement of a role, by its name."""
    return next(one for one in rules.statements(properties(template, role)) if one.get("Sid") == sid)


def without(name, *path):
    """Takes a property away from a resource, or the resource itself."""

    def change(template):
        place, key = (properties(template, name), path[-1]) if path else (template["Resources"], name)
        for step in path[:-1]:
            place = place[step]
        del place[key]

    return change


def put(name, key, value):
    """Gives a property of a resource another value."""
    return lambda template: properties(template, name).update({key: value})


# By rule: what is broken, and whom it must name.
BROKEN = [
    ("wildcards", lambda template: statement(template, "IngestFunctionRole", "QueueSignals").update(Action="sqs:*"), "IngestFunctionRole"),
    ("wildcards", lambda template: statement(template, "IngestFunctionRole", "QueueSignals").update(Resource="*"), "IngestFunctionRole"),
    ("managed", put("PageFunctionRole", "ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]), "PageFunctionRole"),
    ("roles", put("PageFunction", "Role", {"Fn::GetAtt": ["RouteFunctionRole", "Arn"]}), "PageFunction"),
    ("names", lambda template: statement(template, "PageFunctionRole", "KeepState").pop("Sid"), "PageFunctionRole"),
    ("asynchronous", without("SweepFunctionEveryMinute", "Target", "DeadLetterConfig"), "SweepFunctionEveryMinute"),
    ("asynchronous", without("ExportStateMachineWeekly", "Target", "DeadLetterConfig"), "ExportStateMachineWeekly"),
    ("asynchronous", without("IngestFunctionCloudWatch", "Targets", 0, "DeadLetterConfig"), "IngestFunctionCloudWatch"),
    ("asynchronous", without("MailSubscription", "RedrivePolicy"), "MailSubscription"),
    ("asynchronous", without("ArchiveRecords", "DestinationConfig"), "ArchiveRecords"),
    ("asynchronous", without("IngestFunctionEventInvokeConfig"), "IngestFunction"),
    ("encryption", put("SignalsQueue", "SqsManagedSseEnabled", False), "SignalsQueue"),
    ("encryption", without("PolicyBucket", "BucketEncryption"), "PolicyBucket"),
    ("transport", without("EvidenceBucketPolicy"), "EvidenceBucket"),
    ("transport", lambda template: properties(template, "QueuesPolicy")["Queues"].pop(0), "SignalsQueue"),
    ("transport", without("MailTopicPolicy"), "MailTopic"),
    ("environment", lambda template: properties(template, "PageFunction")["Environment"]["Variables"].update(KEY="hunter2"), "PageFunction"),
    ("alarms", without("IncidentDeadLettersAlarm"), "IncidentDeadLetters"),
    ("alarms", put("IncidentDeadLettersAlarm", "Threshold", 9), "IncidentDeadLetters"),
    ("alarms", without("PageErrorsAlarm"), "PageFunction"),
    ("alarms", without("PageSlowAlarm"), "PageFunction"),
    ("alarms", put("PageSlowAlarm", "Threshold", 25000), "PageFunction"),
    ("alarms", without("CheckpointAgeAlarm"), "CheckpointFunction"),
    ("alarms", without("HttpApiErrorsAlarm"), "ApiFunction"),
    ("alarms", without("ThrottlesAlarm"), "no alarm"),
    ("alarms", without("SweepErrorsAlarm", "AlarmActions"), "SweepErrorsAlarm"),
    ("expressions", lambda template: properties(template, "IncidentStateMachine")["Definition"]["States"]["PageOnCall"].update(Output="{% $x( %}"), "IncidentStateMachine.PageOnCall"),
    ("copies", put("SweepFunctionEveryMinute", "Name", "sweep"), "SweepFunctionEveryMinute"),
    ("reasons", without("AlarmsTopic"), "AlarmsTopic"),
]  # fmt: skip


class Rules(unittest.TestCase):
    """What the gate promises."""

    def test_the_template_breaks_no_rule(self):
        self.assertEqual([finding for rule in rules.ALL for finding in rule(TEMPLATE)], [])

    def test_every_rule_refuses_what_it_is_there_for(self):
        for name, change, whom in BROKEN:
            with self.subTest(rule=name, whom=whom):
                template = copy.deepcopy(TEMPLATE)
                change(template)
                findings = list(getattr(rules, name)(template))
                self.assertTrue(any(finding.startswith(whom) for finding in findings), findings)
        self.assertEqual({name for name, *_ in BROKEN}, {rule.__name__ for rule in rules.ALL})


if __name__ == "__main__":
    unittest.main()
