"""Stock clients, unmodified, against the local cloud: what each of them does, Watchkeeper has, or the table says not.

Usage: compat.py, after `make up`. The Python clients go into an environment of their own; programs of Debian's packages
that are not installed are downloaded and unpacked beside it. The exit code is 1 when a flow fails. What cannot be had is
said, and promises nothing.
"""

import json
import pathlib
import secrets
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(ROOT / "local"), str(ROOT / "demo")]

import build  # noqa: E402
import debian  # noqa: E402
import place  # noqa: E402
import prometheus  # noqa: E402
import tls  # noqa: E402
from client import Client  # noqa: E402
from progress import Board, Failed, bold, dim, mark  # noqa: E402

VENV = place.ROOT / ".venv" / "compat"
FLOWS = ("create", "deduplicate", "acknowledge", "close")
STATUS = {"create": "triggered", "deduplicate": "triggered", "acknowledge": "acknowledged", "close": "resolved"}
PATIENCE = 90  # seconds


class Script:
    """A Python client in its own environment, which does one step at a time."""

    acknowledges = True

    def __init__(self, name, settings):
        self.file, self.settings = pathlib.Path(__file__).with_name(name), settings

    def step(self, flow, key):
        """Runs one step of the client."""
        command = [VENV / "bin" / "python", self.file, flow, key]
        env = place.clean_environment(**self.settings)
        try:
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            raise AssertionError("the client did not end") from None
        assert done.returncode == 0, (done.stderr.strip().splitlines() or ["no reason given"])[-1]

    def end(self):
        """There is nothing to end."""


class Secure(Script):
    """One that takes an address of `https` alone."""

    def __init__(self, name, settings):
        self.front = tls.Front(settings["WATCHKEEPER_URL"])
        trusted = {"WATCHKEEPER_URL": self.front.url, "SSL_CERT_FILE": str(self.front.certificate)}
        super().__init__(name, {**settings, **trusted})

    def end(self):
        """Ends what stands before the local cloud."""
        self.front.close()


class Program:
    """A program of Debian's packages."""

    acknowledges = False

    def __init__(self, runs):
        self.runs = runs

    def step(self, flow, key):
        """Does one step."""
        getattr(self.runs, flow)(key)

    def end(self):
        """Ends what it started."""
        self.runs.end()


def clients(settings):
    """Each client: its name, the programs it needs, and how to start it."""
    alertmanager = [("prometheus-alertmanager", "alertmanager")]
    yield "pagerduty (Python)", [("openssl",)], lambda: Secure("pagerduty_events.py", settings)
    yield "opsgenie-sdk (Python)", [], lambda: Script("opsgenie_alerts.py", settings)
    yield "amtool", [("amtool",)], lambda: Program(prometheus.Amtool(settings, until))
    yield "Prometheus", [("prometheus",)], lambda: Program(prometheus.Prometheus(settings, until))
    for receiver in ("pagerduty", "opsgenie", "webhook"):
        start = lambda receiver=receiver: Program(prometheus.Alertmanager(settings, until, receiver))  # noqa: E731
        yield f"Alertmanager, {receiver}", alertmanager, start


def until(what, ask):
    """Asks until the answer is yes; one that does not come in time fails the flow."""
    end = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < end, f"after {PATIENCE} seconds this does not hold: {what}"
        time.sleep(0.2)


def flows(client, watchkeeper, step):
    """Runs the flows of a client in order; yields each with what went wrong, or with nothing."""
    # A name that no earlier run used, and that every client can put into what it sends.
    key = f"compat-{secrets.token_hex(6)}"

    def found():
        return [each for each in watchkeeper.incidents() if key in json.dumps(each)]

    def holds():
        counted = flow != "deduplicate" or all(each["occurrences"] > 1 for each in found())
        return counted and [each["status"] for each in found()] == [STATUS[flow]]

    broken = None
    for flow in FLOWS:
        if flow == "acknowledge" and not client.acknowledges:
            yield flow, dim("-"), False
            continue
        if broken:
            yield flow, dim("not reached"), False
            continue
        step.update(flow)
        try:
            client.step(flow, key)
            until(f"there is one incident, and it is {STATUS[flow]}", holds)
        except Exception as error:  # noqa: BLE001: whatever it is, the others still run
            broken = f"{flow}: {error}"
            yield flow, mark("fail"), broken
        else:
            yield flow, mark("ok"), False
    for incident in found():
        if broken and incident["status"] != "resolved":
            watchkeeper.act(incident["id"], "resolve", "ana")


def run(name, needs, start, watchkeeper, step):
    """A row of the table, and what went wrong in it."""
    missing = [names[0] for names in needs if not debian.program(*names)]
    if missing:
        step.skip(f"{missing[0]} is not installed: nothing was checked")
        return [name, *[dim("not installed")] * len(FLOWS)], []
    try:
        client = start()
    except Exception as error:  # noqa: BLE001: whatever it is, the others still run
        step.fail()
        return [name, *[mark("fail")] * len(FLOWS)], [f"{name}: {error}"]
    try:
        cells = list(flows(client, watchkeeper, step))
    finally:
        client.end()
    faults = [f"{name}: {fault}" for _, _, fault in cells if fault]
    if faults:
        step.fail()
    else:
        step.done()
    return [name, *[cell for _, cell, _ in cells]], faults


def table(rows):
    """Prints the rows under the names of the flows."""
    wide = max(len(row[0]) for row in rows) + 2
    print("\n" + bold("client".ljust(wide) + "".join(flow.ljust(14) for flow in FLOWS)))
    for name, *cells in rows:
        # A cell is as wide as it looks: its colour takes no room.
        shown = "".join(cell + " " * (14 - visible(cell)) for cell in cells)
        print(name.ljust(wide) + shown.rstrip())


def visible(text):
    """How many columns a text takes."""
    inside, width = False, 0
    for character in text:
        if character == "\x1b":
            inside = True
        elif inside:
            inside = character != "m"
        else:
            width += 1
    return width


def settings():
    """What `make up` wrote down."""
    if not place.ENV_FILE.is_file():
        raise Failed("the local cloud is not up. Run: make up")
    return dict(line.split("=", 1) for line in place.ENV_FILE.read_text().splitlines() if "=" in line)


def main():
    """Every client, one after the other."""
    board = Board()
    try:
        known = settings()
        build.environment(board.step("stock clients"), VENV, pathlib.Path(__file__).with_name("requirements.txt"))
        debian.unpack(board.step("Debian's packages"))
        watchkeeper = Client(known)
        done = [run(*client, watchkeeper, board.step(client[0])) for client in clients(known)]
    except Failed as failure:
        print(f"{mark('fail')} {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    table([row for row, _ in done])
    faults = [fault for _, faults in done for fault in faults]
    for fault in faults:
        print(f"\n{mark('fail')} {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
