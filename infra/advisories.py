"""Asks what became known of the crates and the Python packages that are locked here, and which crates were yanked since.

It is no part of `make check`: that must say the same of the same source, today and in a year, and needs no network.
The exit code is 1 where something is known, and 2 where nobody could be asked.
"""

import concurrent.futures
import json
import os
import re
import sys
import urllib.error
import urllib.request

from dependencies import ROOT, locked

OSV = os.environ.get("OSV_URL", "https://api.osv.dev")
INDEX = os.environ.get("CRATES_INDEX_URL", "https://index.crates.io")
REQUIREMENTS = ("infra/requirements.txt", "infra/requirements-checkov.txt", "local/requirements-cloud.txt", "compat/requirements.txt")
BATCH = 1000  # as many as OSV takes in one question
PATIENCE = 30  # seconds

# Advisories that do not concern us, by their id, each with its reason.
ACCEPTED = {}


def ask(url, body=None):
    """What a server answers: its text. The body is posted, as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.read().decode()


def plain(name):
    """A name as every index of Python packages takes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages():
    """Everything that is locked, as OSV names it: ecosystem, name and version."""
    lock = locked((ROOT / "Cargo.lock").read_text())
    found = {("crates.io", package["name"], package["version"]) for package in lock if "source" in package}
    for file in REQUIREMENTS:
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / file).read_text(), re.MULTILINE):
            found.add(("PyPI", plain(name), version))
    return sorted(found)


def known(wanted):
    """Each package of which something is known, with the advisory's id."""
    questions = [(one, {"package": {"ecosystem": one[0], "name": one[1]}, "version": one[2]}) for one in wanted]
    while questions:
        now, questions = questions[:BATCH], questions[BATCH:]
        answer = json.loads(ask(f"{OSV}/v1/querybatch", {"queries": [question for _, question in now]}))
        if len(answer["results"]) != len(now):
            raise ValueError("it did not answer every question")
        for (one, question), result in zip(now, answer["results"]):
            yield from ((one, advisory["id"]) for advisory in result.get("vulns", []))
            if result.get("next_page_token"):
                questions.append((one, {**question, "page_token": result["next_page_token"]}))


def advisories(pool, wanted):
    """Each package of which something is known, with the advisory; the same thing under several ids is told once."""
    found = sorted(set(known(wanted)), key=lambda pair: (pair[0], not pair[1].startswith("RUSTSEC-"), pair[1]))
    ids = sorted({advisory for _, advisory in found})
    details = dict(zip(ids, pool.map(lambda id: json.loads(ask(f"{OSV}/v1/vulns/{id}")), ids)))
    told = set()
    for one, id in found:
        advisory = details[id]
        names = {id, *advisory.get("aliases", [])}
        if "withdrawn" not in advisory and not any((one, name) in told for name in names):
            told.update((one, name) for name in names)
            yield one, advisory


def fixed(advisory, one):
    """In which versions of a package it is put right."""
    versions = {
        event["fixed"]
        for affected in advisory.get("affected", [])
        if plain(affected.get("package", {}).get("name", "")) == plain(one[1])
        for span in affected.get("ranges", [])
        for event in span.get("events", [])
        if "fixed" in event
    }
    return ", ".join(sorted(versions)) or "no version yet"


def yanked(crate):
    """Whether the owner of a crate took this version back."""
    _, name, version = crate
    name = name.lower()
    # https://doc.rust-lang.org/cargo/reference/registry-index.html#index-files
    folder = {1: "1", 2: "2", 3: f"3/{name[0]}"}.get(len(name), f"{name[:2]}/{name[2:4]}")
    entries = map(json.loads, ask(f"{INDEX}/{folder}/{name}").splitlines())
    return any(entry["vers"] == version and entry["yanked"] for entry in entries)


def main():
    """Prints how it stands, then what is known, one line each."""
    wanted = packages()
    crates = [one for one in wanted if one[0] == "crates.io"]
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            rows = [
                (one, advisory["id"], f"{advisory.get('summary', 'no summary')}; fixed in {fixed(advisory, one)}")
                for one, advisory in advisories(pool, wanted)
            ]
            rows += [(one, "yanked", "its owner took it back") for one, back in zip(crates, pool.map(yanked, crates)) if back]
    except (OSError, ValueError, KeyError) as error:
        print(f"advisories: cannot ask {getattr(error, 'url', None) or OSV}: {error}", file=sys.stderr)
        return 2
    stale = sorted(ACCEPTED.keys() - {id for _, id, _ in rows})
    rows = [row for row in rows if row[1] not in ACCEPTED]
    found = len(rows) + len(stale)
    counts = f"{len(crates)} crates and {len(wanted) - len(crates)} Python packages"
    print(f"advisories: {found or 'no'} finding{'s' * (found != 1)} in {counts}")
    for (ecosystem, name, version), id, what in rows:
        print(f"  {ecosystem:<9}  {name} {version}  {id}  {what}")
    for id in stale:
        print(f"  {id} is accepted, and nothing has it any more")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
