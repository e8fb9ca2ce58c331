"""A peer for the bench: what ingest does with one signed alert, in Python's standard library.

It verifies a Standard Webhooks signature, parses, makes a fingerprint and puts one message on a queue.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.parse

SECRET = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))


def handle(event, send):
    body = event["body"].encode()
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    headers = event["headers"]
    stamp = headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > 300:
        return {"statusCode": 401}
    signed = b".".join([headers["webhook-id"].encode(), stamp.encode(), body])
    expected = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    if not any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split()):
        return {"statusCode": 401}
    alert = json.loads(body)
    fingerprint = hashlib.sha256(b"generic\xff" + alert["key"].encode()).hexdigest()[:20]
    send(json.dumps({"id": headers["webhook-id"], "fingerprint": fingerprint, "alert": alert}))
    return {"statusCode": 202, "body": json.dumps({"status": "accepted"})}


def serve(send):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        api.request("GET", "/2018-06-01/runtime/invocation/next")
        reply = api.getresponse()
        event = json.loads(reply.read())
        answer = json.dumps(handle(event, send))
        request = reply.headers["lambda-runtime-aws-request-id"]
        api.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", answer)
        api.getresponse().read()


def main():
    url = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
    queue = http.client.HTTPConnection(url.netloc)
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}

    def send(message):
        queue.request("POST", "/", json.dumps({"QueueUrl": os.environ["SIGNALS_QUEUE"], "MessageBody": message}), headers)
        queue.getresponse().read()

    serve(send)


if __name__ == "__main__":
    main()
