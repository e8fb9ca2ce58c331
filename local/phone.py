"""A phone for the local cloud: receives the pages that webhooks send, and believes only what is signed.

Usage: phone.py PORT LOG SECRETS. A page for ana arrives at /ana. Each one whose signature holds (Standard Webhooks) is
one line in the log; a page that comes twice is two, as hiding that would hide a fault. What tells how an incident went
on is no page: it goes to a second log beside the first. `/` shows the pages in a browser.
"""

import base64
import datetime
import hashlib
import hmac
import html
import http.server
import json
import pathlib
import sys
import threading
import time
import urllib.parse

TOLERANCE = 300  # seconds a signature stays good, either way
LONGEST_BODY = 1024 * 1024
SCREEN = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width"><title>Phone</title><style>
body{{background:#1c1f26;font:15px/1.45 system-ui;margin:0;display:grid;place-items:center;min-height:100vh}}
main{{background:#f4f5f7;width:22rem;max-height:44rem;overflow:auto;border:10px solid #000;border-radius:2.2rem;padding:1.4rem 1rem}}
h1{{font-size:1rem;margin:.2rem .4rem 1rem;color:#555}}article{{background:#fff;border-radius:1rem;padding:.7rem 1rem;margin:.6rem 0}}
small{{color:#777}}a{{color:#0a58ca}}</style><main><h1>{title}</h1>{pages}</main></html>"""
PAGE = "<article><small>{time} · for {person}</small><div>{text}</div>{link}</article>"


def is_signed(secret, headers, body, now):
    """Whether one of the signatures is the secret's over id, time and body, and the time is close to now."""
    identity, sent, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not identity or not sent.isdigit() or abs(now - int(sent)) > TOLERANCE:
        return False
    key = base64.b64decode(secret[len("whsec_") :])
    wanted = hmac.new(key, f"{identity}.{sent}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(wanted).decode()
    return any(hmac.compare_digest(wanted.encode(), each.encode()) for each in given.split())


def entry(person, page, now):
    """The line of the log for one page."""
    incident = page.get("incident") or {}
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    return {
        "incident": incident.get("id"),
        "person": page.get("person") or person,
        "channel": "webhook",
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "type": page.get("type"),
        "text": page.get("text"),
        "status": incident.get("status"),
        "delivery": page.get("delivery"),
        "attempt": page.get("attempt"),
        "link": page.get("link"),
    }


def screen(lines):
    """The phone's screen: the newest pages first."""
    shown = []
    for line in reversed(lines[-30:]):
        page = {name: html.escape(str(value or "")) for name, value in json.loads(line).items()}
        is_web = page["link"].startswith(("http://", "https://"))
        link = f'<a href="{page["link"]}">Open</a>' if is_web else ""
        shown.append(PAGE.format(time=page["time"][11:19], person=page["person"], text=page["text"], link=link))
    return SCREEN.format(title=f"{len(lines)} pages" if lines else "No page yet. Enjoy the quiet.", pages="".join(shown))


class Phone(http.server.BaseHTTPRequestHandler):
    """Answers 204 to a signed page, 401 to anything else."""

    protocol_version = "HTTP/1.1"
    secret, log, lock = "", pathlib.Path(), threading.Lock()

    def do_POST(self):
        """Receives a page."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.close_connection = True
            return self.answer(413 if length.isdigit() else 411)
        body, now = self.rfile.read(int(length)), time.time()
        if not is_signed(self.secret, self.headers, body, now):
            return self.answer(401, b"no good signature\n")
        try:
            person = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).strip("/")
            page = entry(person, json.loads(body), now)
        except (ValueError, AttributeError):
            return self.answer(400, b"the body is no page\n")
        path = self.log if page["type"] == "incident.page" else self.log.with_name("phone-updates.jsonl")
        with self.lock, open(path, "a", encoding="utf-8") as log:
            log.write(json.dumps(page, ensure_ascii=False) + "\n")
        return self.answer(204)

    def do_GET(self):
        """Shows the screen."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.is_file() else []
        self.answer(200, screen(lines).encode(), "text/html; charset=utf-8")

    def answer(self, status, body=b"", kind="text/plain; charset=utf-8"):
        """Sends an answer."""
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stays quiet: the log holds the pages."""


class Server(http.server.ThreadingHTTPServer):
    """Takes a burst of connections without refusing any."""

    request_queue_size = 256
    daemon_threads = True


def main(port, log, secrets):
    """Listens on loopback until stopped."""
    Phone.secret = json.loads(pathlib.Path(secrets).read_text())["phone"]
    Phone.log = pathlib.Path(log)
    Server(("127.0.0.1", int(port)), Phone).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:4])
