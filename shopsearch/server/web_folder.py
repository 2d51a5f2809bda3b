"""Where templates and static files are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import hashlib
from pathlib import Path

import shopsearch
from shopsearch.errors import SettingsError

_FINGERPRINT_CHARS = 12


def find_web_folder() -> Path:
    """The folder that holds `templates/` and `static/`."""
    package = Path(shopsearch.__file__).resolve().parent
    for folder in (package / "_web", package.parent / "web"):
        if (folder / "templates").is_dir():
            return folder
    raise SettingsError(
        f"the page's templates are neither in {package / '_web'} nor in {package.parent / 'web'}; "
        "install shopsearch again"
    )


def fingerprint(folder: Path) -> str:
    """A short name of the contents of a folder; another one as soon as any file differs."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\x00")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_FINGERPRINT_CHARS]
