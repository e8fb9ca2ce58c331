"""Builds a function twice, from two folders and with two homes of cargo, and says whether the two are the same to the byte.

It takes two builds for release from nothing, so `make check` does without.
Usage: twice.py arm64|x86-64 FUNCTION
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dependencies import ROOT

HOME = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")


def build(folder, arch, function):
    """The binary of a function, built in a copy of the source as it is now, as `make package` builds it."""
    source, home = folder / "source", folder / "home"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    # The same tools and the same crates, by other paths.
    (source / ".venv").symlink_to(ROOT / ".venv")
    home.mkdir()
    (home / "registry").symlink_to(HOME / "registry")
    env = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"} | {"CARGO_HOME": str(home)}
    command = ["make", "--no-print-directory", "bootstraps", f"ARCH={arch}", f"FUNCTION={function}"]
    subprocess.run(command, cwd=source, env=env, check=True)
    return (source / "target" / "lambda" / function / "bootstrap").read_bytes()


def main(arch, function):
    """Says both digests, and whether they are one."""
    digests, told = [], []
    for name in ("one", "another-place"):
        with tempfile.TemporaryDirectory(prefix=f"watchkeeper-{name}-") as folder:
            binary = build(Path(folder), arch, function)
            told += [place for place in (folder, str(ROOT), str(HOME)) if place.encode() in binary]
        digests.append(hashlib.sha256(binary).hexdigest())
        print(f"twice: {digests[-1]}  {function}/bootstrap", flush=True)
    for place in told:
        print(f"twice: {place} is in it")
    same = len(set(digests)) == 1
    print("twice:", "the same to the byte" if same else "not the same")
    return 0 if same and not told else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
