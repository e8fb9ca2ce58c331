"""Starts processes that outlive us, and later stops exactly those: a pid alone may have been given to somebody else."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import place


def _born(pid):
    """When a process began, as the system tells it, or None when there is none."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except OSError:
        pass
    if os.path.isdir("/proc/self"):
        return None
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _file(name):
    return place.STATE / f"{name}.pid"


def running(name, port=None):
    """What we started under this name, if it still runs and, when that is asked, serves this port."""
    try:
        started = json.loads(_file(name).read_text())
    except (OSError, ValueError):
        return None
    alive = _born(started["pid"]) == started["born"]
    return started if alive and port in (None, started.get("port", port)) else None


def start(name, port, argv, env, log):
    """Starts a process of its own session that will serve a port, with its output in a log."""
    argv = [str(part) for part in argv]
    with open(log, "ab") as output:
        child = subprocess.Popen(
            argv, cwd=place.ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    started = {"pid": child.pid, "born": _born(child.pid), "port": port, "argv": argv}
    _file(name).write_text(json.dumps(started))
    return child


def stop(name, patience=8):
    """Ends what we started under this name and says whether there was anything to end."""
    started = running(name)
    if started:
        _signal_group(started["pid"], signal.SIGTERM)
        until = time.monotonic() + patience
        while _born(started["pid"]) == started["born"] and time.monotonic() < until:
            _reap(started["pid"])
            time.sleep(0.05)
        _signal_group(started["pid"], signal.SIGKILL)
        _reap(started["pid"])
    _file(name).unlink(missing_ok=True)
    return bool(started)


def _signal_group(pid, number):
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def port_taken(port):
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for_port(port, child, seconds=20):
    """Waits until a started process listens; False when it ended or took too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if child.poll() is not None:
            return False
        if port_taken(port):
            return True
        time.sleep(0.05)
    return False
