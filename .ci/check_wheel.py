"""Check that a built wheel carries all that an installed shopsearch needs, and works alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MUST_CARRY = (
    "shopsearch/_web/templates/",
    "shopsearch/_web/static/",
    "shopsearch/_migrations/env.py",
    "shopsearch/_migrations/versions/",
    "shopsearch/encoders/weights/",
    "shopsearch/py.typed",
)
COMMANDS = (
    ("--help",),
    ("demo", "--catalog", "drawn", "--no-serve"),
    ("--home", "home/demo", "search", "a red mug", "--json"),
)


def main(wheel: str) -> None:
    """Look into the wheel, then run what is in it."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        missing = [part for part in MUST_CARRY if not any(n.startswith(part) for n in names)]
        if missing:
            sys.exit(f"{wheel} lacks {', '.join(missing)}")
        archive.extractall(folder)
        for command in COMMANDS:
            run_from(Path(folder), command)
    size_mb = Path(wheel).stat().st_size / 1e6
    print(f"{wheel}: {size_mb:.1f} MB, {len(names)} files, works without the checkout")  # noqa: T201


def run_from(folder: Path, command: tuple[str, ...]) -> None:
    """Run shopsearch as the unpacked wheel has it, far from the checkout."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "SHOPSEARCH_HOME": str(folder / "home"),
        "SHOPSEARCH_ENCODER": "hashing",
    }
    start = "import shopsearch.cli as c; assert c.__file__.startswith({!r}), c.__file__; c.main()"
    subprocess.run(
        [sys.executable, "-c", start.format(str(folder)), *command],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main(sys.argv[1])
