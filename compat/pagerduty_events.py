"""PagerDuty's own Python client, pointed at Watchkeeper: `pagerduty_events.py STEP KEY`."""

import os
import sys

import pagerduty

step, key = sys.argv[1:]
client = pagerduty.EventsApiV2Client(os.environ["WATCHKEEPER_PAGERDUTY_KEY"], base_url=os.environ["WATCHKEEPER_URL"])

if step in ("create", "deduplicate"):
    answered = client.trigger(f"Disk full ({key})", "db-1", dedup_key=key, severity="warning")
elif step == "acknowledge":
    answered = client.acknowledge(key)
else:
    answered = client.resolve(key)
assert answered == key, answered
