#!/usr/bin/env python3
"""Verifies a bundle: a second verifier, written against docs/evidence.md alone, with Python's standard library.

    verify_bundle.py BUNDLE KEY.pem

Exit code 0: sound. 1: not sound, and it says where. 2: it cannot say. Numbers in brackets are those of section 6 of the page.
Zstandard is uncompressed by Python 3.14, as the standard library had none before, or else by the package `zstandard`, or
else by the command `zstd`.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

ZERO = "0" * 64


class Unsound(Exception):
    """What is wrong, and where."""


def check(holds, where, what):
    if not holds:
        raise Unsound(f"{where}: {what}")


def sha256(data):
    return hashlib.sha256(data).digest()


# --- Signatures (section 5): ECDSA over P-256, in plain integers ---

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
KEY_HEADER = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar, point):
    product = None
    while scalar:
        if scalar & 1:
            product = add(product, point)
        point = add(point, point)
        scalar >>= 1
    return product


def der_integers(data):
    """The two integers of a DER sequence, each positive and as short as can be."""
    if len(data) < 2 or data[0] != 0x30 or data[1] != len(data) - 2:
        return None
    numbers, rest = [], data[2:]
    while rest:
        if len(rest) < 3 or rest[0] != 2 or not 0 < rest[1] <= len(rest) - 2:
            return None
        number, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        if number[0] & 0x80 or (len(number) > 1 and number[0] == 0 and not number[1] & 0x80):
            return None
        numbers.append(int.from_bytes(number, "big"))
    return numbers if len(numbers) == 2 else None


def cannot(why):
    print(why, file=sys.stderr)
    sys.exit(2)


class Key:
    def __init__(self, pem):
        inner = re.fullmatch(r"\s*-----BEGIN PUBLIC KEY-----(.*)-----END PUBLIC KEY-----\s*", pem, re.S)
        der = base64.b64decode("".join(inner[1].split()), validate=True) if inner else b""
        if not der.startswith(KEY_HEADER) or len(der) != len(KEY_HEADER) + 64:
            cannot("the key is no public key of P-256 in PEM")
        self.fingerprint = sha256(der)
        self.point = tuple(int.from_bytes(der[at : at + 32], "big") for at in (len(KEY_HEADER), len(KEY_HEADER) + 32))
        x, y = self.point
        if (y * y - x * x * x + 3 * x - B) % P:
            cannot("the key is not on the curve")

    def signed(self, text, signature):
        numbers = der_integers(signature)
        if numbers is None or not all(0 < number < N for number in numbers):
            return False
        r, s = numbers
        inverse = pow(s, -1, N)
        digest = int.from_bytes(sha256(text), "big")
        point = add(multiply(digest * inverse % N, G), multiply(r * inverse % N, self.point))
        return point is not None and point[0] % N == r


def note_text(note, origin, key, where):
    """The text of a signed note (section 5) and how many signatures are under it."""
    check(isinstance(note, str) and "\n\n" in note and note.endswith("\n"), where, "it is not a signed note")
    at = note.rindex("\n\n")
    text, lines = note[: at + 1], note[at + 2 : -1].split("\n")
    for line in lines:
        parts = re.fullmatch(r"\u2014 (\S+) (\S+)", line)
        check(parts, where, "it is not a signed note")
        try:
            packed = base64.b64decode(parts[2], validate=True)
        except ValueError:
            packed = b""
        # Python lets bits stand after the last that counts.
        check(base64.b64encode(packed).decode() == parts[2] and len(packed) > 4, where, "it is not a signed note")
        if parts[1] == origin and packed[:4] == key.fingerprint[:4]:
            check(key.signed(text.encode(), packed[4:]), where, "its signature does not fit its text")
            return text, len(lines)
    raise Unsound(f"{where}: the key did not sign it")


# --- Trees (section 2) ---


class Tree:
    def __init__(self, frontier=None, where=""):
        self.size, self.nodes = 0, []
        if frontier is not None:
            self.size = number(frontier.get("size"), where)
            self.nodes = [bytes.fromhex(hexadecimal(node, where)) for node in frontier.get("nodes", [])]
            check(bin(self.size).count("1") == len(self.nodes), where, "the frontier is not whole")

    def append(self, leaf):
        node, size = sha256(b"\0" + leaf), self.size
        while size & 1:
            node = sha256(b"\1" + self.nodes.pop() + node)
            size >>= 1
        self.nodes.append(node)
        self.size += 1

    def root(self):
        if not self.nodes:
            return sha256(b"")
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = sha256(b"\1" + node + root)
        return root


# --- Files ---


def number(value, where):
    check(isinstance(value, int) and not isinstance(value, bool) and value >= 0, where, "it is no number")
    return value


def hexadecimal(value, where):
    check(isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value), where, "it is no hash")
    return value


def parse(data, where):
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Unsound(f"{where}: it is not JSON: {error}") from None
    check(isinstance(value, dict), where, "it is no JSON object")
    return value


def lines(folder, path):
    """The lines of a file, uncompressed, each with where it is."""
    file = folder / path
    if not path.endswith(".zst"):
        data = file.read_bytes()
    else:
        data = uncompressed(file, path)
    check(not data or data.endswith(b"\n"), path, "its last line is cut off")
    for at, line in enumerate(data.split(b"\n")[:-1], 1):
        yield f"{path}, line {at}", line


def uncompressed(file, path):
    try:
        from compression import zstd

        try:
            return zstd.decompress(file.read_bytes())
        except zstd.ZstdError as error:
            raise Unsound(f"{path}: {error}") from None
    except ImportError:
        pass
    try:
        import zstandard

        with file.open("rb") as packed:
            try:
                return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
            except zstandard.ZstdError as error:
                raise Unsound(f"{path}: {error}") from None
    except ImportError:
        done = subprocess.run(["zstd", "-dcq", "--", str(file)], capture_output=True)
        check(done.returncode == 0, path, "it cannot be uncompressed")
        return done.stdout


# --- Bundles (section 6) ---


def manifest(folder, key):
    """[1] and [2]: the manifest, and that every file is the one it lists."""
    for name in ("manifest.json", "manifest.note"):
        check((folder / name).is_file(), name, "it is missing")
    data = (folder / "manifest.json").read_bytes()
    said = parse(data, "manifest.json")
    check(said.get("format") == "watchkeeper-bundle/1", "manifest.json", "its format is unknown")
    note = (folder / "manifest.note").read_bytes().decode("utf-8", "replace")
    text, signatures = note_text(note, said.get("origin"), key, "manifest.note")
    expected = f"{said['origin']}/export\n{said.get('id')}\n{sha256(data).hex()}\n"
    check(text == expected and signatures == 1, "manifest.json", "it is not what was signed")
    paths = [part["path"] for part in said["parts"]]
    check(paths == sorted(set(paths)), "manifest.json", "its parts are not sorted")
    for part in said["parts"]:
        path = part["path"]
        check(re.fullmatch(r"(?!\.+(/|$))[\w.-]+(/(?!\.+(/|$))[\w.-]+)*", path, re.A), path, "the path leads elsewhere")
        check((folder / path).is_file(), path, "it is missing")
        whole = (folder / path).read_bytes()
        same = len(whole) == part["bytes"] and sha256(whole).hex() == part["sha256"]
        check(same, path, "it is not the file that the manifest lists")
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()}
    for path in sorted(there - set(paths) - {"manifest.json", "manifest.note"}):
        raise Unsound(f"{path}: the manifest does not list it")
    return said, paths


def checkpoint(note, origin, key, where):
    text, _ = note_text(note, origin, key, where)
    form = r"(.+)\n(0|[1-9]\d*)\n(\S+)\nnumber ([1-9]\d*)\nat (\S+)\nprevious ([0-9a-f]{64})\n"
    read = re.fullmatch(form, text)
    check(read and read[1] == origin, where, "it is no checkpoint of this log")
    try:
        at = datetime.fromisoformat(read[5].replace("Z", "+00:00"))
    except ValueError:
        raise Unsound(f"{where}: it has no time") from None
    root = base64.b64decode(read[3])
    return {"size": int(read[2]), "root": root, "number": int(read[4]), "at": at, "previous": read[6], "text": text}


def checkpoints(folder, said, key):
    """[3] and [4]: the tree before, and the checkpoints."""
    origin, after = said["origin"], said["checkpoints"]["after"]
    rows = lines(folder, "checkpoints.jsonl")
    where, line = next(rows, ("checkpoints.jsonl", b""))
    before = parse(line, where)
    tree = Tree(before.get("before"), where)
    check(before.get("number") == after, where, f"it should be checkpoint {after}")
    last = None
    if after:
        last = checkpoint(before.get("note"), origin, key, where)
        check(last["number"] == after, where, f"it should be checkpoint {after}")
        check((last["size"], last["root"]) == (tree.size, tree.root()), where, "the tree before is another")
    else:
        check(before.get("note") is None and tree.size == 0, where, "nothing can be before checkpoint 1")
    found = []
    for where, line in rows:
        row = parse(line, where)
        this = checkpoint(row.get("note"), origin, key, where)
        expected = after + len(found) + 1
        check(row.get("number") == this["number"] == expected, where, f"it should be checkpoint {expected}")
        previous = sha256(last["text"].encode()).hex() if last else ZERO
        check(this["previous"] == previous, where, "it names another checkpoint before it")
        check(not last or this["at"] >= last["at"], where, "it is older than the one before")
        found.append(this)
        last = this
    span = {"after": after, "first": after + 1, "last": after + len(found)}
    check(said["checkpoints"] == span, "checkpoints.jsonl", "checkpoints are missing, or too many")
    return tree, found


def heads(folder, paths, tree, signed):
    """[5] and [6]: the heads grow the tree to each root; by stream, in order."""
    streams, at_zero = {}, tree.size == 0
    rows = (row for path in paths if re.fullmatch(r"heads-.*\.jsonl\.zst", path) for row in lines(folder, path))
    where = "checkpoints.jsonl"
    for point in signed:
        before = None
        while tree.size < point["size"]:
            where, line = next(rows, (None, None))
            check(line is not None, "heads", f"heads of checkpoint {point['number']} are missing")
            head = parse(line, where)
            name = head.get("stream")
            check(isinstance(name, str), where, "it is no head")
            begin, size = number(head.get("from"), where), number(head.get("size"), where)
            check(size > begin, where, "it covers nothing")
            check(before is None or before < name.encode(), where, "the heads are not sorted")
            before = name.encode()
            known = streams.setdefault(name, [])
            expected = known[-1]["size"] if known else 0 if at_zero else begin
            check(begin == expected, where, f"stream {name}: it begins at {begin}, not at {expected}")
            hexadecimal(head.get("head"), where), hexadecimal(head.get("records"), where)
            known.append(head)
            tree.append(line)
        grown = (tree.size, tree.root()) == (point["size"], point["root"])
        check(grown, where, f"the tree is not the one that checkpoint {point['number']} signed")
    for where, _ in rows:
        raise Unsound(f"{where}: no checkpoint covers this head")
    return streams


def records(folder, paths, streams, said):
    """[7], [8] and [9]: the records, against the heads."""
    withheld = said["withheld"]
    for name in withheld:
        check(name in streams, "manifest.json", f"it withholds {name}, of which there is no head")
    expected = iter(sorted((name for name in streams if name not in set(withheld)), key=str.encode))
    rows = (row for path in paths if re.fullmatch(r"records-.*\.jsonl\.zst", path) for row in lines(folder, path))
    found, names, part_of = 0, 0, {}
    for name in expected:
        names += 1
        last = ZERO if streams[name][0]["from"] == 0 else None
        for head in streams[name]:
            tree = Tree()
            for seq in range(head["from"], head["size"]):
                where, line = next(rows, ("records", None))
                check(line is not None, where, f"stream {name}, record {seq} is missing")
                record = parse(line, where)
                what = f"stream {name}, record {seq} should be here"
                check((record.get("stream"), record.get("seq")) == (name, seq), where, what)
                check(last is None or record.get("prev") == last, where, f"stream {name}, record {seq} does not follow")
                check(part_of.setdefault(name, where.split(",")[0]) == where.split(",")[0], where, "a stream is in two files")
                digest = sha256(line)
                last = digest.hex()
                tree.append(digest)
                found += 1
            where = f"{where}, stream {name}, record {seq}"
            check(last == head["head"], where, "the records up to here are not those that were signed")
            check(tree.root().hex() == head["records"], where, "the records up to here are not those that were signed")
    for where, _ in rows:
        raise Unsound(f"{where}: no checkpoint covers this record")
    check((said["records"], said["streams"]) == (found, names), "manifest.json", "it counts otherwise")
    return found, names


def main(folder, key):
    key = Key(Path(key).read_text())
    folder = Path(folder)
    try:
        said, paths = manifest(folder, key)
        tree, signed = checkpoints(folder, said, key)
        streams = heads(folder, paths, tree, signed)
        found, names = records(folder, paths, streams, said)
    except Unsound as wrong:
        print(f"not sound: {wrong}")
        return 1
    except (KeyError, TypeError, AttributeError) as error:
        print(f"not sound: something is not of the form that it should be: {error!r}")
        return 1
    print(f"sound: {found} records of {names} streams, signed by {key.fingerprint.hex()}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        cannot(__doc__)
    sys.exit(main(*sys.argv[1:]))
