"""The gate of dependencies: where they come from, under which licence, and which are not welcome.

Nothing is asked of the network: what is written in Cargo.lock and in the manifests of the crates is enough. What became known
of them since, `make advisories` asks.
Usage: dependencies.py [LOCK METADATA], the two files of another workspace in place of ours.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
# What the functions run on, by the words of `make package`.
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86-64": "x86_64-unknown-linux-gnu"}

# Licences that ask of whoever deploys us no more than to keep their text. Of several to choose from, one of these is enough.
LICENCES = {
    "Apache-2.0",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
}

# Crates that nobody may bring in, not even by way of another, each with its reason.
BANNED = {
    "aws-config": "costs more at the start than all else that a function does; src/aws.rs reads what Lambda says",
    "aws-lc-sys": "a second library of cryptography beside ring, and built by CMake",
    "cel-interpreter": "is called cel now",
    "jsonata": "says of itself that it is not complete",
    "openssl-sys": "TLS is rustls; a library of the host is not the same on two machines",
    "rs_merkle": "does not tell leaves from nodes, as RFC 6962 does",
    "standardwebhooks": "takes an empty secret for one, and has no clock to set",
}

# Crates that ours may not use themselves, each with its reason.
OURS_DO_NOT_USE = {
    "anyhow": "an error has a name that a state machine can match",
    "chrono": "time is jiff's: a gap and a fold are types there",
    "eyre": "an error has a name that a state machine can match",
    "mockall": "tests run the real binaries",
    "testcontainers": "needs Docker",
    "time": "time is jiff's: a gap and a fold are types there",
}


def locked(lock):
    """Each package of a Cargo.lock, as what the file says of it."""
    for block in re.findall(r"^\[\[package\]\]\n((?:.+\n?)+)", lock, re.MULTILINE):
        yield dict(re.findall(r'^(\w+) = "(.*)"$', block, re.MULTILINE))


def metadata(target):
    """What cargo knows of each package that is built for a target."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def expression(licence):
    """A licence in SPDX's words: older manifests have a slash for OR."""
    return re.sub(r"\s*/\s*", " OR ", licence)


def allowed(licence, known):
    """Whether a licence leaves a choice of which all is known."""
    words = re.findall(r"[()]|[^\s()]+", expression(licence))

    def one():
        if words and words[0] == "(":
            words.pop(0)
            good = either()
            return words.pop(0) == ")" and good
        name = words.pop(0)
        while words and words[0] == "WITH":
            name += f" {words.pop(0)} {words.pop(0)}"
        return name in known

    def both():
        good = one()
        while words and words[0] == "AND":
            words.pop(0)
            good &= one()
        return good

    def either():
        good = both()
        while words and words[0] == "OR":
            words.pop(0)
            good |= both()
        return good

    try:
        return either() and not words
    except IndexError:
        return False


def sources(packages, ours):
    """Packages that are not what crates.io has under their name."""
    for package in packages:
        name, source = f"{package['name']} {package['version']}", package.get("source")
        if source is None and package["name"] not in ours:
            yield f"{name}: comes from a folder outside of the workspace"
        elif source is not None and source != CRATES_IO:
            yield f"{name}: comes from {source}"
        elif source is not None and not re.fullmatch("[0-9a-f]{64}", package.get("checksum", "")):
            yield f"{name}: has no checksum"


def licences(known):
    """Packages whose licence nobody agreed to, and licences that no package needs."""
    for package in known:
        if not allowed(package["license"] or "", LICENCES):
            yield f"{package['name']} {package['version']}: its licence is {package['license'] or 'not said'}"
    for licence in sorted(LICENCES):
        if all(allowed(package["license"] or "", LICENCES - {licence}) for package in known):
            yield f"{licence}: is a licence that no package needs"


def banned(packages, ours):
    """Packages that are not welcome."""
    for package in packages:
        if package["name"] in BANNED:
            yield f"{package['name']}: {BANNED[package['name']]}"
    for name, package in ours.items():
        for dependency in package["dependencies"]:
            if dependency["name"] in OURS_DO_NOT_USE:
                yield f"{dependency['name']}: {name} uses it; {OURS_DO_NOT_USE[dependency['name']]}"


def wildcards(ours):
    """Dependencies of ours that any version would do for."""
    for name, package in ours.items():
        for dependency in package["dependencies"]:
            if "*" in dependency["req"] and dependency["name"] not in ours:
                yield f"{dependency['name']}: {name} takes any version"


def findings(lock, known):
    """Everything that is wrong with a Cargo.lock and what cargo knows of its packages."""
    packages = list(locked(lock))
    members = {package["id"]: package for package in known["packages"]}
    ours = {members[member]["name"]: members[member] for member in known["workspace_members"]}
    yield from sources(packages, ours)
    yield from licences(known["packages"])
    yield from banned(packages, ours)
    yield from wildcards(ours)


def main(arguments):
    """Says what is wrong."""
    lock, known = (Path(arguments[0]), json.loads(Path(arguments[1]).read_text())) if arguments else (ROOT / "Cargo.lock", None)
    lock = lock.read_text()
    several = [known] if known else [metadata(target) for target in TARGETS.values()]
    found = sorted({finding for known in several for finding in findings(lock, known)})
    for finding in found:
        print("dependencies:", finding)
    print("dependencies:", "not content" if found else f"content with {len(list(locked(lock)))} crates")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
