"""The few AWS calls that the local start needs, with the standard library alone.

The local cloud takes the account's root key without looking at the signature, so a fixed header is enough. These
calls cannot work anywhere else, and that is on purpose.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import place


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]}")
        self.status, self.body = status, body


def _send(service, path, body, headers, timeout=60, method="POST"):
    credential = f"Credential=test/20250101/{place.REGION}/{service}/aws4_request"
    request = urllib.request.Request(place.CLOUD + path, data=body, headers=headers, method=method)
    request.add_header("Authorization", f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        raise Refused(error.code, error.read().decode(errors="replace")) from None


def put_secret(name, value):
    """Stores a SecureString, over what was there."""
    call = {"Name": f"{place.SECRETS}/{name}", "Value": value, "Type": "SecureString", "Overwrite": True}
    headers = {"X-Amz-Target": "AmazonSSM.PutParameter", "Content-Type": "application/x-amz-json-1.1"}
    _send("ssm", "/", json.dumps(call).encode(), headers)


def invoke(function, event):
    """Calls a function as AWS services do, and gives its answer; a function's error is raised."""
    headers, body = _send("lambda", f"/2015-03-31/functions/{function}/invocations", json.dumps(event).encode(), {})
    if headers.get("X-Amz-Function-Error"):
        raise Refused(200, body.decode(errors="replace"))
    return json.loads(body or b"null")


def _formation(action, **fields):
    form = urllib.parse.urlencode({"Action": action, "Version": "2010-05-15", **fields}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    root = xml.etree.ElementTree.fromstring(_send("cloudformation", "/", form, headers)[1])
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def stack():
    """The deployed stack's status and outputs; status None when there is none."""
    try:
        found = _formation("DescribeStacks", StackName=place.STACK)
    except Refused:
        return None, {}
    outputs = {member.findtext("OutputKey"): member.findtext("OutputValue") for member in found.iter("member")}
    return found.findtext(".//StackStatus"), outputs


def physical_id(logical_id):
    """What a resource of the template is called in the stack."""
    found = _formation("DescribeStackResource", StackName=place.STACK, LogicalResourceId=logical_id)
    return found.findtext(".//PhysicalResourceId")


def allow(role, name, statements):
    """Gives a role one more policy."""
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    form = {"Action": "PutRolePolicy", "Version": "2010-05-08", "RoleName": role, "PolicyName": name}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    _send("iam", "/", urllib.parse.urlencode({**form, "PolicyDocument": document}).encode(), headers)


def lock(bucket, mode, days):
    """Locks what is put into a bucket from now on."""
    retention = f"<DefaultRetention><Mode>{mode}</Mode><Days>{days}</Days></DefaultRetention>"
    body = f"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>{retention}</Rule></ObjectLockConfiguration>"
    _send("s3", f"/{bucket}?object-lock", body.encode(), {"Content-Type": "application/xml"}, method="PUT")


def failures():
    """Why the last deploy failed: (resource, reason), oldest first, without what failed only in its wake."""
    try:
        events = _formation("DescribeStackEvents", StackName=place.STACK)
    except Refused:
        return []
    found = []
    for event in events.iter("member"):  # newest first
        resource, status = event.findtext("LogicalResourceId"), event.findtext("ResourceStatus") or ""
        if "FAILED" in status:
            found.insert(0, (resource, event.findtext("ResourceStatusReason") or "no reason given"))
        if resource == place.STACK and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            break
    return [pair for pair in found if "cancelled" not in pair[1].lower()]
