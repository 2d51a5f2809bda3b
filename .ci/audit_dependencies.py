"""Ask OSV (osv.dev) about known vulnerabilities of what constraints.txt pins.

pip-audit needs that service: it has no list of its own. Where the service is out of reach, nothing
is audited, and this says so instead of passing in silence; with --required it fails then.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

SERVICE = "api.osv.dev"
CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
PIP_AUDIT = ["--strict", "--no-deps", "--disable-pip", "--vulnerability-service", "osv"]


def main() -> int:
    """The exit code: 0 where no vulnerability is known, or where nothing could be asked."""
    try:
        socket.create_connection((SERVICE, 443), timeout=10).close()
    except OSError as error:
        sys.stderr.write(f"NOT AUDITED: {SERVICE} is out of reach from here ({error})\n")
        return 1 if "--required" in sys.argv else 0
    command = [sys.executable, "-m", "pip_audit", *PIP_AUDIT, "--requirement", str(CONSTRAINTS)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
