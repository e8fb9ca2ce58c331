"""The front door: gives the local HTTP API an address without a path, as a real one has.

Usage: door.py PORT CLOUD_PORT API_ID. Every request goes on to the emulator's path for the API byte for byte, and its
answer comes back. Connections to the emulator are kept and limited in number: each request in flight is one function
process there, and a burst waits here instead of starting a thousand of them.
"""

import asyncio
import sys
import time

CONNECTIONS = 64  # requests in flight at once, and so the most processes of one function
LONGEST_BODY = 12 * 1024 * 1024  # API Gateway takes 10 MB and says so itself
LONGEST_HEAD = 64 * 1024
IDLE = 3  # seconds; the emulator closes idle connections after five
PATIENCE = 35  # seconds; API Gateway gives up after thirty
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
REASONS = {400: "Bad Request", 413: "Content Too Large", 431: "Request Header Fields Too Large", 502: "Bad Gateway", 504: "Gateway Timeout"}
DOWN = "The local cloud does not answer. Run: make up"


class Unfit(Exception):
    """A message that cannot be passed on: the status to answer with, and why."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status, self.why = status, why


class Gone(Exception):
    """A kept connection that the emulator had closed: nothing was answered on it."""


async def read_head(reader):
    """The first line and the headers of a message, or None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise Unfit(400, "the message ends in its headers") from None
        return None
    except asyncio.LimitOverrunError:
        raise Unfit(431, "the headers are too long") from None
    first, *lines = head[:-4].lstrip(b"\r\n").split(b"\r\n")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise Unfit(400, "a header has no colon")
        headers.append((name, value.strip()))
    return first, headers


def header(headers, wanted):
    """The value of a header in lower case, or nothing."""
    return next((value for name, value in headers if name.lower() == wanted), b"")


async def read_body(reader, headers):
    """The body by its stated length or its chunks."""
    if b"chunked" in header(headers, b"transfer-encoding").lower():
        return await read_chunks(reader)
    length = header(headers, b"content-length") or b"0"
    if not length.isdigit():
        raise Unfit(400, "Content-Length is not a number")
    if int(length) > LONGEST_BODY:
        raise Unfit(413, f"the body is longer than {LONGEST_BODY} bytes")
    return await reader.readexactly(int(length))


async def read_chunks(reader):
    """A chunked body, put together."""
    parts, total = [], 0
    while True:
        try:
            size = int((await reader.readline()).split(b";")[0], 16)
        except ValueError:
            raise Unfit(400, "a chunk has no size") from None
        if size == 0:
            while (await reader.readline()).strip():
                pass
            return b"".join(parts)
        total += size
        if total > LONGEST_BODY:
            raise Unfit(413, f"the body is longer than {LONGEST_BODY} bytes")
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)


def message(first, headers, body, extra=()):
    """A message with the headers that belong to it and not to the connection it came on."""
    kept = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP | {b"content-length", b"expect", b"host"}]
    lines = [first, *(name + b": " + value for name, value in [*kept, *extra]), b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Cloud:
    """The emulator's side: a limited number of connections, kept while they are fresh."""

    def __init__(self, port, api):
        self.port, self.prefix = port, f"/_aws/execute-api/{api}/$default".encode()
        self.host = f"127.0.0.1:{port}".encode()
        self.idle, self.turns = [], asyncio.Semaphore(CONNECTIONS)

    async def ask(self, method, target, headers, body):
        """Passes one request on and gives back the answer's first line, headers and body."""
        request = message(method + b" " + self.prefix + target + b" HTTP/1.1", headers, body, [(b"Host", self.host)])
        async with self.turns:
            while self.idle and time.monotonic() - self.idle[-1][2] < IDLE:
                reader, writer, _ = self.idle.pop()
                try:
                    return await self.exchange(reader, writer, request, method)
                except Gone:
                    continue
            while self.idle:
                self.idle.pop()[1].close()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LONGEST_HEAD)
            return await self.exchange(reader, writer, request, method)

    async def exchange(self, reader, writer, request, method):
        """One request and its answer on one connection, which is kept afterwards if it can be."""
        keep = False
        try:
            try:
                writer.write(request)
                await writer.drain()
                head = await asyncio.wait_for(read_head(reader), PATIENCE)
            except (ConnectionError, Unfit):
                raise Gone from None
            if head is None:
                raise Gone
            first, headers = head
            status = first.split(b" ")[1]
            bodiless = method == b"HEAD" or status in (b"204", b"304") or status.startswith(b"1")
            body = b"" if bodiless else await read_body(reader, headers)
            keep = b"close" not in header(headers, b"connection").lower()
            return first, headers, body
        finally:
            if keep:
                self.idle.append((reader, writer, time.monotonic()))
            else:
                writer.close()


def refusal(status, why):
    """An answer of the door's own."""
    body = (why + "\n").encode()
    return f"HTTP/1.1 {status} {REASONS[status]}".encode(), [(b"Content-Type", b"text/plain; charset=utf-8")], body


async def serve(cloud, reader, writer):
    """One client connection, request after request."""
    try:
        while True:
            try:
                head = await read_head(reader)
                if head is None:
                    return
                first, headers = head
                method, target, version = first.split(b" ")
                if header(headers, b"expect").lower() == b"100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await read_body(reader, headers)
            except ValueError:
                raise Unfit(400, "the request line has three parts") from None
            connection = header(headers, b"connection").lower()
            keep = b"close" not in connection and (version != b"HTTP/1.0" or b"keep-alive" in connection)
            try:
                answer = await cloud.ask(method, target, headers, body)
            except (Gone, OSError, asyncio.IncompleteReadError):
                answer = refusal(502, DOWN)
            except asyncio.TimeoutError:
                answer = refusal(504, f"The local cloud took longer than {PATIENCE} s.")
            sent = message(*answer, extra=[(b"Connection", b"keep-alive" if keep else b"close")])
            writer.write(sent[: len(sent) - len(answer[2])] if method == b"HEAD" else sent)
            await writer.drain()
            if not keep:
                return
    except Unfit as unfit:
        writer.write(message(*refusal(unfit.status, unfit.why), extra=[(b"Connection", b"close")]))
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the client left
    finally:
        writer.close()


async def main(port, cloud_port, api):
    """Listens on loopback until stopped."""
    cloud = Cloud(int(cloud_port), api)

    async def client(reader, writer):
        await serve(cloud, reader, writer)

    server = await asyncio.start_server(client, "127.0.0.1", int(port), limit=LONGEST_HEAD, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
