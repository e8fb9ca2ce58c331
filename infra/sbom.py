"""Writes down beside the functions what is in them: sbom.cdx.json (CycloneDX 1.6) and SHA256SUMS.

The same source gives the same two files: nothing in them is random or knows the time.
Usage: sbom.py arm64|x86-64 FOLDER, where each function has FOLDER/NAME/bootstrap.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from dependencies import ROOT, TARGETS, expression, locked, metadata


def built_in(target):
    """Name and version of each package that the functions are built from, what only tests need left out."""
    command = ["cargo", "tree", "--locked", "--package", "watchkeeper", "--target", target, "--edges", "normal,build"]
    command += ["--prefix", "none", "--format", "{p}"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in map(str.split, filter(None, lines))}


def purl(name, version):
    """The address of a crate of crates.io, as https://github.com/package-url/purl-spec writes it."""
    return f"pkg:cargo/{name}@{quote(version, safe='')}"


def bill(target):
    """The bill of materials."""
    known = metadata(target)
    packages = {package["id"]: package for package in known["packages"]}
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in locked((ROOT / "Cargo.lock").read_text())}
    wanted = built_in(target)

    def key(id):
        return packages[id]["name"], packages[id]["version"]

    def ref(id):
        # Ours are not what crates.io may have under their names.
        return purl(*key(id)) if checksums[key(id)] else key(id)[0]

    def component(id):
        name, version = key(id)
        described = {
            "type": "application" if name == "watchkeeper" else "library",
            "bom-ref": ref(id),
            "name": name,
            "version": version,
            "licenses": [{"expression": expression(packages[id]["license"])}],
        }
        if checksums[name, version]:
            described["purl"] = purl(name, version)
            described["hashes"] = [{"alg": "SHA-256", "content": checksums[name, version]}]
        return described

    ids = sorted((id for id in packages if key(id) in wanted), key=key)
    # What only tests need is no part of it, though it may be in it by way of another.
    nodes = {
        node["id"]: {one["pkg"] for one in node["deps"] if any(kind["kind"] != "dev" for kind in one["dep_kinds"])}
        for node in known["resolve"]["nodes"]
    }
    root = next(id for id in ids if key(id)[0] == "watchkeeper")
    toolchain = (ROOT / "rust-toolchain.toml").read_text().split('channel = "')[1].split('"')[0]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": component(root),
            "properties": [{"name": "rust:target", "value": target}, {"name": "rust:version", "value": toolchain}],
        },
        "components": [component(id) for id in ids if id != root],
        "dependencies": [{"ref": ref(id), "dependsOn": sorted(ref(on) for on in nodes[id] if key(on) in wanted)} for id in ids],
    }


def sums(folder, functions):
    """The digest of each binary and of the bill, in the words of sha256sum."""
    for name in [*(f"{function}/bootstrap" for function in functions), "sbom.cdx.json"]:
        yield f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"


def main(arch, folder):
    """Writes both files."""
    folder = Path(folder)
    functions = sorted(path.stem for path in (ROOT / "functions").glob("*.rs"))
    missing = [function for function in functions if not (folder / function / "bootstrap").is_file()]
    if missing:
        sys.exit(f"sbom: {folder} has no {', '.join(missing)}; make package builds every function")
    (folder / "sbom.cdx.json").write_text(json.dumps(bill(TARGETS[arch]), indent=1) + "\n")
    (folder / "SHA256SUMS").write_text("".join(sums(folder, functions)))
    print(f"sbom: {folder / 'sbom.cdx.json'}, {folder / 'SHA256SUMS'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
