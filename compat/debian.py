"""Programs of Debian's packages: those that are installed, or else the packages themselves, unpacked into a folder."""

import os
import shutil
import subprocess

import place

FOLDER = place.ROOT / ".venv" / "debian"
PACKAGES = {
    "prometheus": [("prometheus",)],
    "prometheus-alertmanager": [("prometheus-alertmanager", "alertmanager"), ("amtool",)],
}


def program(*names):
    """The path of the first of these programs that there is: an installed one before an unpacked one."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(FOLDER / "usr" / "bin")])
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def unpack(step):
    """Downloads and unpacks the packages whose programs are not there yet, where there is an apt to ask."""
    missing = [name for name, programs in PACKAGES.items() if not all(program(*names) for names in programs)]
    if not missing:
        step.skip("installed")
        return
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        step.skip(f"no apt to ask for {' and '.join(missing)}")
        return
    step.update("downloading")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", "--quiet", *missing]
    asked = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if asked.returncode:
        why = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        step.skip(f"apt-get update first, perhaps: {why}")
        return
    for package in FOLDER.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, FOLDER], capture_output=True, check=True)
        package.unlink()
    step.done()
