"""The address of a storage, and the file system behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from shopsearch.errors import SettingsError

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30  # between two packets
_TRIES = 3

_ADDRESS = re.compile(
    r"(?P<scheme>file|memory|s3|gs)://(?P<place>/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)/?"
)
_EXAMPLES = "file:///mnt/shop, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX"


@dataclass(frozen=True, slots=True)
class _Kind:
    package: str
    extra: str
    options: Callable[[], dict[str, Any]]


def _s3() -> dict[str, Any]:
    return {
        "config_kwargs": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": READ_TIMEOUT_S,
            "retries": {"max_attempts": _TRIES, "mode": "standard"},
        },
        "use_listings_cache": False,  # other nodes write too
    }


_KINDS = {
    "file": _Kind("fsspec", "", lambda: {"auto_mkdir": True}),
    "memory": _Kind("fsspec", "", dict),
    "s3": _Kind("s3fs", "s3", _s3),
    "gs": _Kind("gcsfs", "gs", lambda: {"timeout": READ_TIMEOUT_S, "use_listings_cache": False}),
}


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """Which storage, and below which folder or prefix of it."""

    scheme: str
    root: str  # without a slash at its end

    @classmethod
    def of(cls, url: str) -> StorageAddress:
        """Raises `ValueError`, which says what may be written."""
        match = _ADDRESS.fullmatch(url)
        if match is None or ".." in url.split("/"):
            raise ValueError(f"write {_EXAMPLES}, with nothing after it")
        scheme, place = match["scheme"], match["place"]
        if (scheme == "file") != place.startswith("/") and scheme != "memory":
            slashes = "three slashes" if scheme == "file" else "two slashes"
            raise ValueError(f"{scheme}: has {slashes} after it: write {_EXAMPLES}")
        return cls(scheme, place if scheme == "file" else place.lstrip("/"))

    @property
    def is_swapped_in(self) -> bool:
        """Whether a file that is written can be seen before it is whole, so that it has to be
        written beside and renamed. Object stores show an object when all of it is there.
        """
        return self.scheme == "file"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.root}"


def check_package(address: StorageAddress) -> None:
    """Raise `SettingsError` where the package that reaches the storage is not installed."""
    kind = _KINDS[address.scheme]
    if find_spec(kind.package) is None:
        wanted = f"shopsearch[{kind.extra}]" if kind.extra else kind.package
        raise SettingsError(
            f"SHOPSEARCH_STORAGE is {address}, and what reaches it is not installed: "
            f"pip install '{wanted}'"
        )


def file_system(address: StorageAddress) -> Any:
    """The fsspec file system of an address, made anew: threads share it, forked processes do not.

    Raises `SettingsError`. Credentials and endpoint are where its library looks for them:
    `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS` and so on.
    """
    check_package(address)
    import fsspec

    options = _KINDS[address.scheme].options()
    return fsspec.filesystem(address.scheme, skip_instance_cache=True, **options)
