"""Where things are: folders, ports and addresses of the local cloud."""

import os
import pathlib
import platform

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATE = ROOT / "target" / "local"
LAMBDAS = ROOT / "target" / "lambda"
CARGO_TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
CLOUD_VENV = ROOT / ".venv" / "cloud"
TOOLS_VENV = ROOT / ".venv" / "tools"
CHECKOV_VENV = ROOT / ".venv" / "checkov"
TEMPLATE = ROOT / "infra" / "template.yaml"
POLICY = ROOT / "policy" / "sample.yaml"
COMMAND = ROOT / "target" / "release" / "watchkeeper"
ENV_FILE = STATE / "env"
PHONE_LOG = STATE / "phone.jsonl"

STACK = "watchkeeper"
REGION = "us-east-1"
SECRETS = "/watchkeeper"

DOOR_PORT = int(os.environ.get("WATCHKEEPER_PORT", "4565"))
CLOUD_PORT = int(os.environ.get("WATCHKEEPER_CLOUD_PORT", "4566"))
PHONE_PORT = int(os.environ.get("WATCHKEEPER_PHONE_PORT", "4567"))

DOOR = f"http://127.0.0.1:{DOOR_PORT}"
CLOUD = f"http://127.0.0.1:{CLOUD_PORT}"
PHONE = f"http://127.0.0.1:{PHONE_PORT}"


def architecture():
    """The host's architecture in Lambda's words: the functions run as processes of this machine."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def functions():
    """The names of the functions: one file each."""
    names = [path.stem if path.is_file() else path.name for path in (ROOT / "functions").iterdir()]
    return sorted(name for name in names if not name.startswith("."))


def clean_environment(**extra):
    """An environment that knows no AWS account: nothing local may ever reach a real one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": CLOUD,
        **extra,
    }
