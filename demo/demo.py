"""The story of an alert, told on the local cloud in under a minute: every line of it is checked before it is printed."""

import collections
import concurrent.futures
import contextlib
import json
import pathlib
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "local"))

import aws  # noqa: E402
import place  # noqa: E402
from client import Client  # noqa: E402
from progress import Board, Failed, bold, dim, mark, took  # noqa: E402

DUPLICATES = 200
AT_ONCE = 64
QUIET = 8  # seconds; longer than anything that is still scheduled would take


class Story:
    """The demo: what it knows, and its scenes in order."""

    def __init__(self, settings):
        self.client, self.board = Client(settings), Board()
        self.settings = settings
        self.incident = None

    def scene(self, title, text):
        """Announces what comes next."""
        print(f"\n{bold(title)} {dim(text)}")

    @contextlib.contextmanager
    def waiting(self, what):
        """A step on the screen that ends badly when its promise does not hold."""
        step = self.board.step(what)
        try:
            yield step
        except Exception:
            step.fail()
            raise

    def until(self, step, promise, seconds, ask):
        """Asks until there is an answer; a promise that does not hold in time ends the demo."""
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            answer = ask()
            if answer:
                return answer
            step.update(f"{time.monotonic() - start:.0f} s")
            time.sleep(0.2)
        raise Failed(f"after {took(seconds)} this does not hold: {promise}.\nThe cloud's own log: target/local/ministack.log")

    def alarm(self):
        """A recorded CloudWatch alarm arrives as EventBridge delivers it, and somebody is paged."""
        self.scene("1  A CloudWatch alarm fires.", "events/ingest/cloudwatch-alarm.json, as EventBridge delivers it")
        event = json.loads((ROOT / "events/ingest/cloudwatch-alarm.json").read_text())
        now = time.gmtime()
        event["id"], event["time"] = secrets.token_hex(16), time.strftime("%Y-%m-%dT%H:%M:%SZ", now)
        event["detail"]["state"]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", now)
        # A name of its own, so that every run opens an incident.
        event["detail"]["alarmName"] += f"-{secrets.token_hex(2)}"
        event["resources"] = [arn.rpartition(":")[0] + ":" + event["detail"]["alarmName"] for arn in event["resources"]]
        with self.waiting("alarm") as step:
            aws.invoke(aws.physical_id("IngestFunction"), event)
            name = event["detail"]["alarmName"]
            found = self.until(step, f"the alarm {name} opens an incident", 30, lambda: self.client.find(name))
            page = self.until(step, "somebody is paged for the alarm", 30, lambda: self.client.pages(found["id"]))[0]
            step.done(f"incident {found['id'][:8]} of {found['service'] or 'no known service'}; {page['person']}'s phone rings")
        self.client.act(found["id"], "resolve", page["person"])

    def flood(self):
        """Many equal events arrive at once and are one incident."""
        self.scene("2  A flood.", f"{DUPLICATES} equal PagerDuty events at once, to /v2/enqueue, by {AT_ONCE} connections")
        self.event = {
            "routing_key": self.settings["WATCHKEEPER_PAGERDUTY_KEY"],
            "event_action": "trigger",
            "dedup_key": f"demo-{secrets.token_hex(4)}",
            "payload": {"summary": "Checkout answers too slowly", "source": "demo", "severity": "critical", "component": "checkout"},
        }
        with self.waiting("events") as step:
            start, answers = time.monotonic(), collections.Counter()
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                for status in pool.map(lambda _: self.client.enqueue(self.event), range(DUPLICATES)):
                    answers[status] += 1
                    step.update(f"{sum(answers.values())}/{DUPLICATES}")
            if answers != {202: DUPLICATES}:
                raise Failed(f"each event should be answered by 202, but the answers were {dict(answers)}")
            step.done(f"{DUPLICATES} times 202 Accepted in {took(time.monotonic() - start)}")
        with self.waiting("incident") as step:
            key = self.event["dedup_key"]
            self.incident = self.until(step, "they become an incident", 30, lambda: self.client.find(key))["id"]

            def counted():
                seen = self.client.incident(self.incident)["occurrences"]
                step.update(f"{seen}/{DUPLICATES} counted")
                return seen == DUPLICATES

            self.until(step, f"one incident counts all {DUPLICATES}", 60, counted)
            opened = [each for each in self.client.incidents() if each["key"] == key]
            if len(opened) != 1:
                raise Failed(f"{DUPLICATES} equal events should be one incident, but they are {len(opened)}")
            step.done(f"one, {self.incident[:8]}, with {DUPLICATES} occurrences")

    def escalation(self):
        """The first person is paged once and does not answer; the next is paged."""
        self.scene("3  The phone rings.", "ana has five seconds to answer, then it is ben's turn: policy/sample.yaml, escalation demo")
        for person in ("ana", "ben"):
            with self.waiting(person) as step:
                mine = lambda: [page for page in self.client.pages(self.incident) if page["person"] == person]  # noqa: E731,B023
                page = self.until(step, f"{person} is paged", 30, mine)[0]
                step.done("paged, signature verified" + ("; does not answer" if person == "ana" else ""))
                print(f"    {dim(page['text'])}")

    def answer(self):
        """An acknowledgement stops it."""
        self.scene("4  Somebody answers.", f"watchkeeper ack {self.incident[:8]} --as ben")
        with self.waiting("ack") as step:
            self.client.command("ack", self.incident, "--as", "ben", quiet=True)
            taken = lambda: self.client.incident(self.incident)["acknowledged_by"] == "ben"  # noqa: E731
            self.until(step, "the incident is acknowledged by ben", 10, taken)
            step.done("ben has it")
        with self.waiting("quiet") as step:
            before, start = self.client.pages(self.incident), time.monotonic()
            while (waited := time.monotonic() - start) < QUIET:
                step.update(f"{waited:.0f} of {QUIET} s")
                if len(self.client.pages(self.incident)) > len(before):
                    raise Failed("an acknowledged incident should page nobody, but it did")
                time.sleep(0.2)
            counts = collections.Counter(page["person"] for page in before)
            if counts != {"ana": 1, "ben": 1}:
                raise Failed(f"{DUPLICATES} events should page ana once and ben once, but the phone rang for {dict(counts)}")
            step.done(f"{DUPLICATES} events, two people, one page each")

    def end(self):
        """The sender says that it is over."""
        self.scene("5  It is over.", "the sender's resolve event, same dedup_key")
        with self.waiting("resolve") as step:
            gone = {name: value for name, value in self.event.items() if name != "payload"}
            if self.client.enqueue({**gone, "event_action": "resolve"}) != 202:
                raise Failed("the resolve event should be answered by 202")
            closed = lambda: self.client.incident(self.incident)["status"] == "resolved"  # noqa: E731
            self.until(step, "the incident is resolved", 30, closed)
            step.done("the incident is resolved")

    def evidence(self):
        """The timeline, and the proof that nobody changed it."""
        self.scene("6  What happened, why, and did anybody change the log?", f"watchkeeper incident {self.incident[:8]} --verify")
        print(flush=True)
        self.client.command("incident", self.incident, "--verify")


def settings():
    """What `make up` wrote, once the cloud is there; it is brought up when it is not."""
    try:
        with urllib.request.urlopen(f"{place.DOOR}/-/healthy", timeout=10):
            ready = place.ENV_FILE.is_file()
    except (urllib.error.URLError, OSError):
        ready = False
    if not ready and subprocess.run([sys.executable, str(ROOT / "local/up.py")], check=False).returncode:
        raise SystemExit(1)
    return dict(line.split("=", 1) for line in place.ENV_FILE.read_text().splitlines())


def main():
    """Tells the story; 0 when every promise held."""
    try:
        story = Story(settings())
        start = time.monotonic()
        for scene in (story.alarm, story.flood, story.escalation, story.answer, story.end, story.evidence):
            scene()
    except (Failed, aws.Refused, OSError) as failure:
        print(f"{mark('fail')} {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"""
{mark('ok')} {bold('Every promise held')} in {took(time.monotonic() - start)}.

Try next

  target/release/watchkeeper incidents
  target/release/watchkeeper send alertmanager
  target/release/watchkeeper explain events/ingest/pagerduty-trigger.json
  open {place.PHONE}   {dim('the phone')}
  make down""")
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
