"""What the demo asks of Watchkeeper: the API, the sender's URL, the command, and the phone's log."""

import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

import place
from progress import Failed


class Client:
    """Knows where Watchkeeper is and how to ask."""

    def __init__(self, settings):
        self.url, self.token = settings["WATCHKEEPER_URL"], settings["WATCHKEEPER_TOKEN"]
        self.phone_log = pathlib.Path(settings["WATCHKEEPER_PHONE_LOG"])
        self.env = {**os.environ, **settings}

    def _ask(self, path, body=None, token=True):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers={"Content-Type": "application/json"})
        if token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _json(self, path, body=None):
        status, answer = self._ask(path, body)
        if status >= 300:
            raise Failed(f"{path} answered {status}: {answer.decode(errors='replace')[:300]}")
        return json.loads(answer)

    def incidents(self):
        """The newest incidents."""
        return self._json("/v1/incidents?limit=100")["incidents"]

    def find(self, key):
        """The incident whose sender calls its problem something with `key` in it."""
        return next((each for each in self.incidents() if key in each["key"]), None)

    def incident(self, identity):
        """One incident."""
        return self._json(f"/v1/incidents/{identity}")

    def act(self, identity, action, person):
        """Answers an incident on behalf of a person."""
        return self._json(f"/v1/incidents/{identity}/{action}", {"by": person})

    def enqueue(self, event):
        """Sends an event as a PagerDuty client does and gives the status of the answer."""
        return self._ask("/v2/enqueue", event, token=False)[0]

    def pages(self, identity):
        """What the phone received and verified for an incident."""
        lines = self.phone_log.read_text(encoding="utf-8").splitlines()
        return [page for page in map(json.loads, lines) if page["incident"] == identity]

    def command(self, *arguments, quiet=False):
        """Runs `watchkeeper`; what it prints is part of the story unless it is quiet."""
        done = subprocess.run(
            [str(place.COMMAND), *arguments], env=self.env, cwd=place.ROOT, capture_output=quiet, text=True, check=False
        )
        if done.returncode:
            why = (done.stderr or "").strip() or f"exit code {done.returncode}"
            raise Failed(f"watchkeeper {arguments[0]} failed: {why}")
