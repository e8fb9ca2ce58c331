"""Prometheus, Alertmanager and amtool as Debian packages them, pointed at Watchkeeper by their configuration alone."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from debian import program

ALERTMANAGER = """\
route:
  receiver: webhook
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 2s
  routes:
    - {{matchers: ['to="pagerduty"'], receiver: pagerduty}}
    - {{matchers: ['to="opsgenie"'], receiver: opsgenie}}
receivers:
  - name: webhook
    webhook_configs: [{{url: '{url}/v1/signals/alertmanager', send_resolved: true}}]
  - name: pagerduty
    pagerduty_configs: [{{url: '{url}/v2/enqueue', routing_key: '{pagerduty}', send_resolved: true}}]
  - name: opsgenie
    opsgenie_configs:
      - {{api_url: '{url}/', api_key: '{opsgenie}', update_alerts: true, send_resolved: true, priority: P3}}
"""
PROMETHEUS = """\
global: {{evaluation_interval: 1s}}
rule_files: ['{folder}/rules.yml']
alerting:
  alertmanagers: [{{static_configs: [{{targets: ['{host}']}}]}}]
"""
RULES = """\
groups:
  - name: compat
    rules: [{{alert: '{name}', expr: 'vector({value}) > 0', labels: {{severity: warning}}}}]
"""


def free_port():
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A stock server that runs in a folder of its own until it is closed."""

    def __init__(self, until, arguments, files):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compat-"))
        self.url = f"http://127.0.0.1:{free_port()}"
        self.write(files)
        filled = [each.format(folder=self.folder, listen=self.url.removeprefix("http://")) for each in arguments]
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(filled, stdout=log, stderr=log, cwd=self.folder)
        try:
            until("it starts", self.is_ready)
        except Exception:
            self.close()
            raise

    def write(self, files):
        """Writes files of its configuration."""
        for name, text in files.items():
            (self.folder / name).write_text(text.replace("{folder}", str(self.folder)))

    def is_ready(self):
        """Whether it answers; one that ended says why."""
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.said()}")
        with contextlib.suppress(urllib.error.URLError, OSError):
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return answer.status == 200
        return False

    def said(self):
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-400:]

    def metric(self, name, label=""):
        """The sum of a metric of its own."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        found = [line for line in lines if line.startswith((name + " ", name + "{")) and label in line]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    def post(self, path, body=None):
        """Posts JSON to it."""
        data = b"" if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status

    def close(self):
        """Ends it and removes its folder."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Alertmanager:
    """A stock Alertmanager that tells Watchkeeper by one of its receivers."""

    def __init__(self, settings, until, receiver):
        self.until, self.receiver = until, receiver
        config = ALERTMANAGER.format(
            url=settings["WATCHKEEPER_URL"],
            pagerduty=settings["WATCHKEEPER_PAGERDUTY_KEY"],
            opsgenie=settings["WATCHKEEPER_OPSGENIE_KEY"],
        )
        arguments = [program("prometheus-alertmanager", "alertmanager"), "--config.file={folder}/config.yml"]
        arguments += ["--storage.path={folder}", "--web.listen-address={listen}", "--cluster.listen-address="]
        self.server = Server(until, arguments, {"config.yml": config})

    def told(self, more):
        """Waits for more notifications, none of which may fail."""
        label = f'integration="{self.receiver}"'
        before = self.server.metric("alertmanager_notifications_total", label)

        def done():
            failed = self.server.metric("alertmanager_notifications_failed_total", label)
            assert failed == 0, f"{failed:.0f} notifications failed: {self.server.said()}"
            return self.server.metric("alertmanager_notifications_total", label) >= before + more

        self.until("it tells Watchkeeper", done)

    def alert(self, key, **more):
        """Posts the alert to it, as Prometheus would."""
        labels = {"alertname": key, "severity": "warning", "to": self.receiver}
        self.server.post("/api/v2/alerts", [{"labels": labels, "annotations": {"summary": "Disk full"}, **more}])

    def create(self, key):
        """Lets an alert fire."""
        self.alert(key)

    def deduplicate(self, _):
        """Lets it repeat what it said."""
        self.told(2)

    def close(self, key):
        """Lets the alert end."""
        self.alert(key, endsAt=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))

    def end(self):
        """Ends the server."""
        self.server.close()


class Prometheus:
    """A stock Prometheus with a rule of one alert, and Watchkeeper for its Alertmanager."""

    def __init__(self, settings, until):
        self.until = until
        host = settings["WATCHKEEPER_URL"].removeprefix("http://")
        arguments = [program("prometheus"), "--config.file={folder}/config.yml", "--storage.tsdb.path={folder}/data"]
        arguments += ["--web.listen-address={listen}", "--web.enable-lifecycle", "--rules.alert.resend-delay=1s"]
        config, rules = PROMETHEUS.format(host=host, folder="{folder}"), RULES.format(name="none", value=0)
        self.server = Server(until, arguments, {"config.yml": config, "rules.yml": rules})

    def rule(self, key, value):
        """Makes its rule say whether the alert fires."""
        self.server.write({"rules.yml": RULES.format(name=key, value=value)})
        self.server.post("/-/reload")

    def create(self, key):
        """Lets the alert fire."""
        self.rule(key, 1)

    def deduplicate(self, _):
        """Lets it send the alert again and again."""
        before = self.server.metric("prometheus_notifications_sent_total")

        def done():
            errors = self.server.metric("prometheus_notifications_errors_total")
            assert errors == 0, f"{errors:.0f} requests failed: {self.server.said()}"
            return self.server.metric("prometheus_notifications_sent_total") >= before + 2

        self.until("it tells Watchkeeper", done)

    def close(self, key):
        """Lets the alert end."""
        self.rule(key, 0)

    def end(self):
        """Ends the server."""
        self.server.close()


class Amtool:
    """amtool, with Watchkeeper for its Alertmanager."""

    def __init__(self, settings, until):
        self.until = until
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compat-"))
        self.url = settings["WATCHKEEPER_URL"]
        self.http = self.folder / "http.yml"
        self.http.touch(mode=0o600)
        self.http.write_text(f"authorization: {{credentials: '{settings['WATCHKEEPER_TOKEN']}'}}\n")

    def run(self, *arguments):
        """Runs amtool and gives what it prints."""
        command = [program("amtool"), f"--alertmanager.url={self.url}", f"--http.config.file={self.http}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"amtool {arguments[0]} {arguments[1]}: {done.stderr.strip()[-400:]}"
        return done.stdout

    def create(self, key):
        """Adds an alert."""
        self.run("alert", "add", f"alertname={key}", "severity=warning", '--annotation=summary="Disk full"')

    deduplicate = create

    def close(self, key):
        """Lists the alert, silences it, ends the silence, and then the alert."""
        ask = ("alert", "query", "-o", "json", f"alertname={key}")
        self.until("amtool lists the alert", lambda: key in self.run(*ask))
        silence = self.run("silence", "add", f"alertname={key}", "-c", "compat", "-d", "1h", "-a", "ana").strip()
        listed = self.run("silence", "query", f"alertname={key}")
        assert silence in listed, f"amtool added the silence {silence} and lists:\n{listed}"
        self.run("silence", "expire", silence)
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.run("alert", "add", f"alertname={key}", "severity=warning", f"--end={end}")

    def end(self):
        """Removes its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
