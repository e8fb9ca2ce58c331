"""Opsgenie's own Python client, pointed at Watchkeeper: `opsgenie_alerts.py STEP KEY`.

Each step is asked for, its request followed until it was processed, and the alert read back.
"""

import os
import sys
import time

import opsgenie_sdk
from opsgenie_sdk import exceptions

PATIENCE = 60  # seconds

step, key = sys.argv[1:]
configuration = opsgenie_sdk.configuration.Configuration()
configuration.host = os.environ["WATCHKEEPER_URL"]
configuration.api_key["Authorization"] = os.environ["WATCHKEEPER_OPSGENIE_KEY"]
alerts = opsgenie_sdk.AlertApi(api_client=opsgenie_sdk.api_client.ApiClient(configuration=configuration))
alias = {"identifier": key, "identifier_type": "alias"}


def create():
    """Opens the alert, or counts on it."""
    return alerts.create_alert(
        create_alert_payload=opsgenie_sdk.CreateAlertPayload(
            message=f"Disk full ({key})",
            alias=key,
            description="It grows by a gigabyte an hour.",
            responders=[{"name": "platform", "type": "team"}],
            tags=["disk", "db"],
            details={"mount": "/var"},
            entity="db-1",
            priority="P3",
        )
    )


def acknowledge():
    """Takes the alert on."""
    payload = opsgenie_sdk.AcknowledgeAlertPayload(user="ana", note="I look at it")
    return alerts.acknowledge_alert(**alias, acknowledge_alert_payload=payload)


def close():
    """Closes the alert."""
    return alerts.close_alert(**alias, close_alert_payload=opsgenie_sdk.CloseAlertPayload(user="ana"))


def processed(request):
    """What became of a request, once something did."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return alerts.get_request_status(request_id=request.request_id).data
        except exceptions.OpenApiException as error:
            if getattr(error, "status", None) != 404 or time.monotonic() > end:
                raise
            time.sleep(0.2)


status = processed({"create": create, "deduplicate": create, "acknowledge": acknowledge, "close": close}[step]())
assert status.is_success and status.alias == key, status
alert = alerts.get_alert(identifier=status.alert_id, identifier_type="id").data
assert alert.alias == key and set(alert.tags) == {"disk", "db"} and alert.details == {"mount": "/var"}, alert
assert alert.status == ("closed" if step == "close" else "open"), alert
assert alert.acknowledged == (step == "acknowledge"), alert
assert alerts.get_alert(identifier=alert.tiny_id, identifier_type="tiny").data.id == alert.id
found = alerts.list_alerts(query=f'alias: "{key}" AND status: {alert.status}').data
assert [each.id for each in found] == [alert.id], found
assert alerts.count_alerts(query=f'alias: "{key}"').data.count == 1
if step == "deduplicate":
    assert alert.count == 2, alert
if step == "acknowledge":
    notes = alerts.list_notes(**alias).data
    assert [note.note for note in notes] == ["I look at it"], notes
