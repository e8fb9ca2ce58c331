"""The same peer with boto3, as most Lambdas in Python are written."""

import os

import boto3

import peer

queue = boto3.client("sqs", region_name="us-east-1", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
peer.serve(lambda message: queue.send_message(QueueUrl=os.environ["SIGNALS_QUEUE"], MessageBody=message))
