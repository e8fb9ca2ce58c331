"""Makes what the local cloud needs: the two virtual environments, the functions and the command.

Two environments, because the emulator and the SAM CLI pin different versions of the same AWS library.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import place
from progress import Failed

OLDEST_PYTHON = (3, 11)  # the oldest that the pinned packages install on
PROGRESS = re.compile(r"Building \[.*?\] (\d+)/(\d+)(?:: (.*))?")
children = []
CHATTER = re.compile(r"^\s*(Compiling|Building|Finished|Downloaded|Downloading|Locking|Adding|Updating) ")


def find_python():
    """A Python that the pinned packages install on: the one that runs us, or a newer one beside it."""
    if sys.version_info >= OLDEST_PYTHON:
        return sys.executable
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    wanted = ".".join(map(str, OLDEST_PYTHON))
    raise Failed(f"python3 is {sys.version.split()[0]}; the local cloud needs {wanted} or newer. Install it and try again.")


def check_tools():
    """Says what is missing before anything slow starts."""
    find_python()
    if not shutil.which("cargo"):
        raise Failed("cargo is not on the PATH. Install Rust from https://rustup.rs and try again.")
    if not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
        raise Failed("no C compiler (cc) found; Rust links with it. Install gcc or clang (build-essential, Xcode tools).")


def environment(step, folder, requirements):
    """Makes a virtual environment from pinned requirements, unless it is there already."""
    wanted = requirements.read_bytes()
    python = find_python()
    stamp = folder / ".made-from"
    digest = hashlib.sha256(wanted + python.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        step.skip("unchanged")
        return
    made = subprocess.run([python, "-m", "venv", "--clear", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        hint = "Debian and Ubuntu keep it in a package of its own: apt install python3-venv."
        raise Failed(f"python3 -m venv failed. {hint}\n{made.stdout}{made.stderr}")
    total = sum(1 for line in wanted.decode().splitlines() if line.strip() and not line.startswith("#"))
    # The files name every package and version, so pip has nothing to resolve.
    command = [folder / "bin" / "pip", "install", "--no-deps", "--no-compile", "--no-input", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "-r", requirements]
    _run(step, command, _pip_progress(step, total), f"installing {requirements.relative_to(place.ROOT)} failed")
    stamp.write_text(digest)
    step.done()


def _pip_progress(step, total):
    seen = [0]

    def read(line):
        if line.startswith("Collecting "):
            seen[0] += 1
            step.update(f"{seen[0]}/{total}")
        elif line.startswith("Installing "):
            step.update("installing")
        return line.startswith(("ERROR", "WARNING: Retrying"))

    return read


def functions(step):
    """Builds every function in the profile the tests share and lays it where the template looks for it."""
    _cargo(step, "build", "-p", "watchkeeper", "--bins")
    changed = 0
    for name in place.functions():
        built = place.CARGO_TARGET / "debug" / name
        if not built.is_file():
            raise Failed(f"functions/{name} was built, but {built} is not there. Is it a [[bin]] of Cargo.toml?")
        changed += _lay(built, place.LAMBDAS / name)
    if changed:
        step.done(f"{changed} of {len(place.functions())} new")
    else:
        step.skip("unchanged")


def _lay(built, folder):
    """Copies a binary to its `bootstrap`, without debug information: what is uploaded should be small."""
    bootstrap, stamp = folder / "bootstrap", folder.parent / f".{folder.name}.built-from"
    facts = built.stat()
    wanted = f"{facts.st_size} {facts.st_mtime_ns}"
    if bootstrap.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder.parent / f".{folder.name}.new"
    stripped = shutil.which("strip") and subprocess.run(["strip", "-o", fresh, built], capture_output=True, check=False)
    if not stripped or stripped.returncode:
        shutil.copyfile(built, fresh)
    fresh.chmod(0o755)
    fresh.replace(bootstrap)
    stamp.write_text(wanted)
    return True


def command(step):
    """Builds the operator's command."""
    built = place.CARGO_TARGET / "release" / "watchkeeper"
    before = built.stat().st_mtime_ns if built.is_file() else None
    _cargo(step, "build", "--release", "-p", "watchkeeper-cli")
    if built != place.COMMAND:  # cargo builds elsewhere; scripts look here
        place.COMMAND.parent.mkdir(parents=True, exist_ok=True)
        place.COMMAND.unlink(missing_ok=True)
        place.COMMAND.symlink_to(built)
    if before == built.stat().st_mtime_ns:
        step.skip("unchanged")
    else:
        step.done()


def _cargo(step, *arguments):
    env = {**os.environ, "CARGO_TERM_PROGRESS_WHEN": "always", "CARGO_TERM_PROGRESS_WIDTH": "120"}

    def read(line):
        found = PROGRESS.search(line)
        if found:
            done, total, what = int(found[1]), int(found[2]), (found[3] or "").split(",")[0].strip(". ")
            step.update(f"{100 * done // max(total, 1)} % ({done}/{total}) {what}")
            return False
        if "Blocking" in line:
            step.update("waits for another cargo")
            return False
        return not CHATTER.match(line)

    _run(step, ["cargo", *arguments], read, f"cargo {' '.join(arguments)} failed", env)


def abandon():
    """Ends what still builds: somebody else has failed."""
    for child in children:
        if child.poll() is None:
            child.terminate()


def _run(step, command, read, failure, env=None):
    """Runs a command, shows each line to `read`, keeps those it returns true for, and shows them on failure."""
    kept = []
    child = subprocess.Popen(
        [str(part) for part in command], cwd=place.ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    children.append(child)
    rest = b""
    for chunk in iter(lambda: os.read(child.stdout.fileno(), 65536), b""):
        *lines, rest = re.split(rb"[\r\n]", rest + chunk)
        for raw in lines:
            line = raw.decode(errors="replace")
            if read(line):
                kept.append(line)
    if child.wait():
        step.fail()
        raise Failed(f"{failure}\n" + "\n".join(kept[-80:]).strip())
