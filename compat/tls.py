"""The local cloud behind TLS, for clients that take no other address: by a certificate made for the occasion."""

import http.client
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

OF_THE_CONNECTION = ("connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding")


class Front:
    """Answers at `https` what `url` answers; `certificate` is what its clients are to trust."""

    def __init__(self, url):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compat-"))
        self.certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=compat"]
        make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.certificate]
        subprocess.run(make, capture_output=True, check=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        handler = type("Handler", (Handler,), {"behind": urlsplit(url).netloc})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        """Ends it and removes its certificate."""
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Handler(BaseHTTPRequestHandler):
    """Hands one request on."""

    protocol_version = "HTTP/1.1"
    behind = None

    def do_POST(self):  # noqa: N802: the name that the library looks for
        """Hands on what a client sends."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection(self.behind, timeout=60)
        try:
            connection.request("POST", self.path, body, dict(kept(self.headers.items())))
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        self.send_response(answer.status)
        for name, value in kept(answer.getheaders()):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_):
        """Says nothing: the table does."""


def kept(headers):
    """The headers that are about the message and not about the connection."""
    return [(name, value) for name, value in headers if name.lower() not in OF_THE_CONNECTION]
