"""Shows what is running, how far it is and what it took: one updating line on a terminal, plain lines elsewhere."""

import os
import shutil
import sys
import threading
import time

PLAIN_EVERY = 15  # seconds between lines where no line can be updated in place


class Failed(Exception):
    """A step that cannot go on. The text says what happened and what to do."""


def _terminal():
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _unicode():
    return "utf" in (sys.stdout.encoding or "").lower()


def paint(code, text):
    """Colours text for a terminal, unless NO_COLOR says not to."""
    if not _terminal() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{code}m{text}\033[0m"


def bold(text):
    """Text that stands out."""
    return paint("1", text)


def dim(text):
    """Text that steps back."""
    return paint("2", text)


def mark(kind):
    """The sign in front of a finished step."""
    signs = {"ok": ("32", "✓", "ok"), "skip": ("2", "✓", "ok"), "fail": ("31", "✗", "!!"), "run": ("36", "…", "..")}
    code, sign, ascii_sign = signs[kind]
    return paint(code, sign if _unicode() else ascii_sign)


def took(seconds):
    """A duration as a person says it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class Step:
    """One thing that takes time."""

    def __init__(self, board, name):
        self._board, self.name, self.detail = board, name, ""
        self.start = time.monotonic()

    def update(self, detail):
        """Says how far it is."""
        self.detail = detail

    def line(self):
        """Name and progress."""
        return f"{self.name} {self.detail}".strip()

    def done(self, detail=""):
        """Ends well."""
        self._board.end(self, "ok", detail)

    def skip(self, detail):
        """Had nothing to do."""
        self._board.end(self, "skip", detail)

    def fail(self):
        """Ends badly; the reason is printed by whoever catches it."""
        self._board.end(self, "fail", "")


class Board:
    """The steps that run now."""

    def __init__(self):
        self._lock = threading.RLock()
        self._running = []
        self._painter = None

    def step(self, name):
        """Starts a step."""
        step = Step(self, name)
        with self._lock:
            self._running.append(step)
            if self._painter is None:
                self._painter = threading.Thread(target=self._paint, daemon=True)
                self._painter.start()
        return step

    def say(self, text):
        """Prints a line above the updating one."""
        with self._lock:
            self._clear()
            print(text, flush=True)

    def end(self, step, kind, detail):
        """Prints the finished step and forgets it."""
        seconds = time.monotonic() - step.start
        with self._lock:
            if step not in self._running:
                return
            self._running.remove(step)
            time_text = dim(f"  {took(seconds)}") if seconds >= 0.5 and kind != "skip" else ""
            self.say(f"{mark(kind)} {step.name:<18} {dim(detail) if kind == 'skip' else detail}{time_text}")

    def _clear(self):
        if _terminal():
            print("\r\033[K", end="", flush=True)

    def _paint(self):
        """The painter's whole life."""
        spoken = time.monotonic()
        while True:
            time.sleep(0.2)
            with self._lock:
                if not self._running:
                    spoken = time.monotonic()
                    continue
                seconds = took(time.monotonic() - min(step.start for step in self._running))
                text = f"{' · '.join(step.line() for step in self._running)}  {seconds}"
                if _terminal():
                    width = shutil.get_terminal_size().columns - 4
                    print(f"\r\033[K{mark('run')} {text[:width]}", end="", flush=True)
                elif time.monotonic() - spoken > PLAIN_EVERY:
                    spoken = time.monotonic()
                    print(f"{mark('run')} {text}", flush=True)
