"""What an index generation says about itself, and whether it is still as it was written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shopsearch.errors import GenerationDamaged, GenerationMismatch
from shopsearch.index.sharing import Identity, identity_of

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
METRIC = "cosine"
REMEDY = "run `shopsearch reindex`, or go back by `shopsearch rollback`"

PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The card of a generation. Two manifests that differ in an id cannot answer each other."""

    generation_id: str  # sortable: later ones are greater
    created_at: str  # ISO 8601, UTC
    encoder_id: str
    fusion_id: str
    index_kind: str
    dimension: int
    count: int
    store_revision: int  # the index holds the products as they were at this revision
    files: Mapping[str, str]  # name -> SHA-256, hexadecimal
    metric: str = METRIC
    schema_version: int = SCHEMA_VERSION

    def check(self, *, encoder_id: str, fusion_id: str) -> None:
        """Raise `GenerationMismatch` where the vectors were made by something else."""
        for name, made_by, in_use in (
            ("encoder", self.encoder_id, encoder_id),
            ("fusion", self.fusion_id, fusion_id),
        ):
            if made_by != in_use:
                raise GenerationMismatch(
                    f"the index generation {self.generation_id} was made by the {name} "
                    f"{made_by!r}, but the settings name {in_use!r}: run `shopsearch reindex`, or "
                    "set the other one again"
                )

    def write(self, folder: Path) -> None:
        """Write it beside the files that it tells of, with a checksum of its own."""
        fields = asdict(self)
        fields["files"] = dict(self.files)
        fields["checksum"] = _checksum(fields)
        text = json.dumps(fields, indent=2, ensure_ascii=False)
        (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Raises `GenerationDamaged`, and `GenerationMismatch` for a version that is not known."""
        path = folder / MANIFEST_FILE
        try:
            text = path.read_bytes()
        except OSError as error:
            raise GenerationDamaged(f"{path} cannot be read ({error}): {REMEDY}") from error
        return cls.parsed(text, path)

    @classmethod
    def parsed(cls, text: bytes, path: Path | str) -> Manifest:
        """The same of the bytes that lie at a path, which is named in messages."""
        try:
            fields = json.loads(text.decode("utf-8"))
        except ValueError as error:
            raise GenerationDamaged(f"{path} cannot be read ({error}): {REMEDY}") from error
        if not isinstance(fields, dict):
            raise GenerationDamaged(f"{path} is no manifest: {REMEDY}")
        version = fields.get("schema_version")
        if version != SCHEMA_VERSION:
            raise GenerationMismatch(
                f"{path} has schema version {version!r}, but this version of shopsearch reads "
                f"{SCHEMA_VERSION}: run `shopsearch reindex`, or use the version that wrote it"
            )
        if fields.pop("checksum", None) != _checksum(fields):
            raise GenerationDamaged(f"{path} differs from its own checksum: {REMEDY}")
        try:
            return cls(**fields)
        except TypeError as error:
            raise GenerationDamaged(f"{path} is no manifest ({error}): {REMEDY}") from error

    def verify(self, folder: Path, known: Mapping[Identity, str] = MappingProxyType({})) -> None:
        """Raise `GenerationDamaged` where a file differs from its checksum, or is gone.

        `known` are checksums of files that were read before, and are not read again.
        """
        for name, expected in self.files.items():
            path = folder / name
            if not PLAIN_NAME.fullmatch(name):
                raise GenerationDamaged(f"{folder / MANIFEST_FILE} names {name!r}: {REMEDY}")
            try:
                found = known.get(identity_of(path)) or sha256(path)
            except OSError as error:
                raise GenerationDamaged(
                    f"{path} cannot be read ({error.strerror}): {REMEDY}"
                ) from error
            if found != expected:
                raise GenerationDamaged(
                    f"{path} has SHA-256 {found[:12]}..., its manifest says {expected[:12]}...: "
                    f"{REMEDY}"
                )

    def checksums(self, folder: Path) -> dict[Identity, str]:
        """What is known of the files of a verified generation; those that are gone are left out."""
        paths = {folder / name: checksum for name, checksum in self.files.items()}
        return {identity_of(path): known for path, known in paths.items() if path.exists()}


def sha256(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum(fields: Mapping[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
