"""What `doctor` looks at, one function per subject. Nothing is changed or made by looking."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from shopsearch.errors import IndexFault, ShopsearchError

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.settings import Settings

LITTLE_DISK_BYTES = 1_000_000_000
KEY_PACKAGES = (
    "torch",
    "onnxruntime",
    "timm",
    "transformers",
    "faiss-cpu",
    "pillow",
    "sqlalchemy",
    "flask",
)
PICTURE_FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "GIF": ".gif", "AVIF": ".avif"}


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"  # works, but somebody should know
    FAIL = "fail"  # something that shopsearch needs does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `remedy` says what to do where there is something to do."""

    subject: str
    verdict: Verdict
    message: str
    remedy: str = ""


def findings(services: Services) -> Iterator[Finding]:
    """All checks, one after the other. A check that raises on purpose has failed."""
    checks: tuple[tuple[str, Callable[[Services], Finding]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("torch", _torch),
        ("model", _model),
        ("fusion", _fusion),
        ("pictures", _pictures),
        ("home", _home),
        ("database", _database),
        ("index", _index),
    )
    if services.settings.index == "milvus":
        checks = (*checks, ("milvus", _milvus))
    for subject, check in checks:
        try:
            yield check(services)
        except (ShopsearchError, OSError) as error:
            yield Finding(subject, Verdict.FAIL, str(error))


def _python(_services: Services) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", Verdict.OK, f"{version} at {sys.executable}")


def _packages(_services: Services) -> Finding:
    missing = [name for name in _required() if _version(name) is None]
    if missing:
        return Finding(
            "packages",
            Verdict.FAIL,
            f"not installed: {', '.join(missing)}",
            "install shopsearch again with pip, in this very environment",
        )
    versions = ", ".join(f"{name} {_version(name)}" for name in KEY_PACKAGES)
    return Finding("packages", Verdict.OK, f"shopsearch {_version('shopsearch')}; {versions}")


def _torch(_services: Services) -> Finding:
    import torch

    from shopsearch.encoders import torchvision_operators

    torchvision_operators.ensure()
    device = "CPU"
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    elif torch.backends.mps.is_available():
        device = "Apple GPU (mps)"
    message = f"{torch.__version__}, {torch.get_num_threads()} threads, best device: {device}"
    try:
        torchvision = import_module("torchvision")
    except (ImportError, RuntimeError) as error:
        return Finding(
            "torch",
            Verdict.FAIL,
            f"{message}; torchvision cannot be imported: {str(error).splitlines()[0]}",
            "install the torchvision release that belongs to this torch",
        )
    if not _operators_work():
        message += (
            f"; torchvision {torchvision.__version__} was built for another torch; "
            "shopsearch makes up for what it lacks"
        )
    return Finding("torch", Verdict.OK, message)


def _operators_work() -> bool:
    """Whether torchvision's compiled part has loaded."""
    import torch

    try:
        torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except NotImplementedError:
        return False
    return True


def _model(services: Services) -> Finding:
    started = time.perf_counter()
    encoder = services.encoder.load()
    row = encoder.encode_texts(["a red mug"])  # (1, D)
    loaded_s = time.perf_counter() - started
    message = f"{encoder.encoder_id}, {row.shape[1]} dimensions, loaded in {loaded_s:.1f} s"
    if services.settings.encoder == "compact":
        message += f", runs on {_runtime(services.settings)}"
    if services.settings.encoder == "hashing":
        remedy = "unset SHOPSEARCH_ENCODER: this encoder is for tests and understands nothing"
        return Finding("model", Verdict.WARN, message, remedy)
    return Finding("model", Verdict.OK, message)


def _runtime(settings: Settings) -> str:
    from shopsearch.encoders.runtime import Runtime, chosen_runtime

    if chosen_runtime(settings.runtime, settings.device, settings.precision) is Runtime.ONNX:
        return f"ONNX Runtime {_version('onnxruntime')}"
    return f"torch {_version('torch')}"


def _fusion(services: Services) -> Finding:
    from shopsearch.fusion.card import AUTO, default_weights

    fusion, encoder = services.fusion, services.encoder
    dimension = fusion.output_dimension(encoder.dimension)
    message = f"{fusion.fusion_id}, {dimension} dimensions"
    settings = services.settings
    expected = settings.encoder == "compact" and settings.fusion == AUTO and default_weights()
    if expected and fusion.fusion_id == "average":
        message += f": the learned weights that ship were not made for {encoder.encoder_id}"
        remedy = "unset SHOPSEARCH_HEAD, or train some for it with `shopsearch train fusion`"
        return Finding("fusion", Verdict.WARN, message, remedy)
    return Finding("fusion", Verdict.OK, message)


def _pictures(_services: Services) -> Finding:
    from PIL import Image

    readable = Image.registered_extensions()
    missing = [name for name, suffix in PICTURE_FORMATS.items() if suffix not in readable]
    known = ", ".join(name for name in PICTURE_FORMATS if name not in missing)
    if missing:
        lacking = ", ".join(missing)
        remedy = f"products with {lacking} pictures are rejected; install a newer pillow"
        return Finding("pictures", Verdict.WARN, f"{known}; not {lacking}", remedy)
    return Finding("pictures", Verdict.OK, known)


def _home(services: Services) -> Finding:
    home = services.settings.home
    existing = home if home.exists() else _nearest(home)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding(
            "home",
            Verdict.FAIL,
            f"{existing} cannot be written to: {error.strerror}",
            "name another folder with SHOPSEARCH_HOME or --home, or mend its permissions",
        )
    free = shutil.disk_usage(existing).free
    message = f"{home.resolve()}, {free / 1e9:.1f} GB free"
    if free < LITTLE_DISK_BYTES:
        remedy = "make room: a new index generation is built beside the old one"
        return Finding("home", Verdict.WARN, message, remedy)
    return Finding("home", Verdict.OK, message if home.exists() else f"{message} (not made yet)")


def _database(services: Services) -> Finding:
    from shopsearch.store.schema import SchemaState

    status = services.database.schema_status()
    name = str(services.database)
    if status.state is SchemaState.EMPTY:
        return Finding("database", Verdict.WARN, f"{name}: no tables yet", _FIRST_STEP)
    if status.state is SchemaState.OLDER:
        message = f"{name}: schema {status.found}, this version has {status.expected}"
        remedy = "none needed: the next command that uses it brings it up to date"
        return Finding("database", Verdict.WARN, message, remedy)
    if status.state is SchemaState.NEWER:
        message = f"{name}: schema {status.found}, but this version knows {status.expected}"
        return Finding("database", Verdict.FAIL, message, "upgrade shopsearch")
    services.lexical.check()
    n_products = services.store.count()
    return Finding("database", Verdict.OK, f"{name}: {n_products} products, schema {status.found}")


def _index(services: Services) -> Finding:
    try:
        if services.generations.current_id() is None:
            return Finding("index", Verdict.WARN, "there is none yet", _FIRST_STEP)
        generation = services.generations.load()
    except IndexFault as error:
        return _damaged_index(services, error)
    manifest = generation.manifest
    embedder = services.embedder
    manifest.check(encoder_id=embedder.encoder_id, fusion_id=embedder.fusion_id)
    message = (
        f"generation {manifest.generation_id}: {len(generation.index)} products, "
        f"{manifest.index_kind}, checksums hold"
    )
    behind = services.store.revision() - manifest.store_revision
    has_changed = services.store.changes_since(manifest.store_revision, 1).revision
    if behind > 0 and has_changed != manifest.store_revision:  # a restore raises the number alone
        message += f"; the database is {behind} writes ahead"
        remedy = "run `shopsearch index FEED` or `shopsearch reindex`, which catch up"
        return Finding("index", Verdict.WARN, message, remedy)
    return Finding("index", Verdict.OK, message)


def _milvus(services: Services) -> Finding:
    outside = services.outside
    assert outside is not None  # noqa: S101 - it is there where the settings say milvus
    message = outside.about()
    current = services.generations.current_id()
    if current is not None:
        live = services.generations.folder(current)
        for remark in outside.remarks(live, services.generations.kept()):
            verdict = Verdict.FAIL if remark.is_fault else Verdict.WARN
            return Finding("milvus", verdict, f"{message}; {remark.what}", remark.remedy)
    return Finding("milvus", Verdict.OK, message)


def _damaged_index(services: Services, error: IndexFault) -> Finding:
    """The live generation cannot be read; an older one may answer meanwhile."""
    from shopsearch.index.live import newest_good

    stand_in = newest_good(services.generations, services.can_answer_from)
    answering = "nothing can answer searches"
    if stand_in is not None:
        answering = f"searches answer from {stand_in.manifest.generation_id} meanwhile"
    remedy = "run `shopsearch verify --repair`, which builds it anew without encoding"
    return Finding("index", Verdict.FAIL, f"{error}; {answering}", remedy)


_FIRST_STEP = "run `shopsearch index FEED`, or `shopsearch demo` for a look"


def _required() -> list[str]:
    """The packages that shopsearch itself requires, without its extras."""
    lines = metadata.requires("shopsearch") or []
    return [re.split(r"[^\w.-]", line)[0] for line in lines if "extra ==" not in line]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _nearest(folder: Path) -> Path:
    """The closest folder above that exists."""
    return next(parent for parent in folder.resolve().parents if parent.exists())


def unopened(settings: Settings) -> Services:
    """Services for looking: no folder is made and no table is changed."""
    from shopsearch.bootstrap import Services

    return Services(settings)
