"""Pictures that were fetched, and what it takes to ask whether they have changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from shopsearch.preprocessing.atomic import KeptFiles
from shopsearch.preprocessing.client import Answer, Known

_VERSION = 1
_NAME = re.compile(r"[0-9a-f]{64}")
_HEADER = re.compile(r"[\x20-\x7e]{0,1000}")  # anything else is not sent back to a host
_MAX_AGE = re.compile(r"max-age\s*=\s*\"?(\d{1,10})")
_ALWAYS_ASK = re.compile(r"\b(no-store|no-cache)\b(?!\s*=)")
_MOST_FRESH = 7  # times the usual time, where a host says that a picture stays as it is
_LEAST_FRESH = 1 / 24  # of the usual time, where a host wants to be asked soon


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture as it was fetched. `asked_at` is in seconds since 1970."""

    content: bytes = field(repr=False)
    known: Known
    asked_at: float
    max_age_s: int | None = None  # what the host says; None: nothing
    always_ask: bool = False

    def is_fresh(self, now: float, fresh_s: float) -> bool:
        """Whether it need not be asked for yet. The usual time is `fresh_s`; the host may shorten
        it to a twenty-fourth and lengthen it sevenfold, or want to be asked each time.
        """
        age_s = now - self.asked_at
        if self.always_ask or age_s < 0:  # asked in the future: the clock was set back
            return False
        told_s = fresh_s if self.max_age_s is None else float(self.max_age_s)
        return age_s < min(max(told_s, fresh_s * _LEAST_FRESH), fresh_s * _MOST_FRESH)

    def asked(self, answer: Answer, now: float) -> KeptPicture:
        """The same picture after its host said that it has not changed."""
        asked = replace(self, known=_sendable(answer.known), asked_at=now)
        if answer.cache_control is None:
            return asked
        max_age_s, always_ask = read_cache_control(answer.cache_control)
        return replace(asked, max_age_s=max_age_s, always_ask=always_ask)


class FetchCache:
    """Keeps fetched pictures as files, `ab/abcd...`, by the SHA-256 of their addresses.

    Beside each lies a `.json` with what its host said, and the hash of the content, so that a file
    that was cut short is noticed. A picture without one comes from an earlier version: it was asked
    for when the file was written. Threads may share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = KeptFiles()

    def load(self, url: str) -> KeptPicture | None:
        """What is kept of an address; None where that is nothing, or damaged."""
        place = self._place(url)
        try:
            content = place.read_bytes()
            if (told := self._told(place)) is None:
                return KeptPicture(content, Known(url), place.stat().st_mtime)
        except OSError:
            return None
        if told.pop("sha256", "") != hashlib.sha256(content).hexdigest():
            return None
        return KeptPicture(content, Known(**told.pop("known")), **told)

    def keep(self, url: str, answer: Answer, now: float) -> bytes:
        """Keep what was fetched, and give it back."""
        assert answer.content is not None  # noqa: S101 - an answer without is for `renew`
        max_age_s, always_ask = read_cache_control(answer.cache_control or "")
        known = _sendable(answer.known)
        place = self._place(url)
        self._files.keep(place, answer.content)
        self._tell(url, KeptPicture(answer.content, known, now, max_age_s, always_ask))
        return answer.content

    def renew(self, url: str, kept: KeptPicture, answer: Answer, now: float) -> bytes:
        """Note that a picture has not changed, and give it back."""
        self._tell(url, kept.asked(answer, now))
        return kept.content

    def forget_all_but(self, urls: Iterable[str]) -> int:
        """Delete what is kept of all other addresses; the number of pictures that were deleted.

        Nothing may be fetched into the folder meanwhile.
        """
        wanted = {_name(url) for url in urls}
        n_forgotten = 0
        for place in self._places():
            name = place.name.removesuffix(".json")
            is_half_written = name.startswith(".")
            if is_half_written or (_NAME.fullmatch(name) and name not in wanted):
                place.unlink(missing_ok=True)
                n_forgotten += place.name == name and not is_half_written
        return n_forgotten

    def _places(self) -> Iterator[Path]:
        if self._folder.is_dir():
            for folder in self._folder.iterdir():
                if folder.is_dir():
                    yield from list(folder.iterdir())

    def _place(self, url: str) -> Path:
        name = _name(url)
        return self._folder / name[:2] / name

    def _told(self, place: Path) -> dict[str, Any] | None:
        """What lies beside a picture: None where there is nothing, {} where it makes no sense."""
        try:
            told = json.loads(_beside(place).read_bytes())
            known = told["known"]
            is_good = (
                told.pop("version") == _VERSION
                and isinstance(told.pop("url"), str)
                and isinstance(told["sha256"], str)
                and isinstance(told["asked_at"], int | float)
                and isinstance(told["max_age_s"], int | None)
                and isinstance(told["always_ask"], bool)
                and told.keys() == {"known", "sha256", "asked_at", "max_age_s", "always_ask"}
                and known.keys() == {"address", "etag", "last_modified"}
                and all(isinstance(one, str) for one in known.values())
                and all(_HEADER.fullmatch(known[one]) for one in ("etag", "last_modified"))
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return {}
        return told if is_good else {}

    def _tell(self, url: str, kept: KeptPicture) -> None:
        told = {
            "version": _VERSION,
            "url": url,
            "sha256": hashlib.sha256(kept.content).hexdigest(),
            "known": asdict(kept.known),
            "asked_at": kept.asked_at,
            "max_age_s": kept.max_age_s,
            "always_ask": kept.always_ask,
        }
        content = json.dumps(told).encode()
        self._files.keep(_beside(self._place(url)), content, survives_crash=False)


def read_cache_control(header: str) -> tuple[int | None, bool]:
    """The seconds that a host says its answer lasts, and whether it wants to be asked each time."""
    header = header.casefold()
    max_age = _MAX_AGE.search(header)
    return int(max_age[1]) if max_age else None, _ALWAYS_ASK.search(header) is not None


def _sendable(known: Known) -> Known:
    etag, date = (
        value if _HEADER.fullmatch(value) else "" for value in (known.etag, known.last_modified)
    )
    return replace(known, etag=etag.strip(), last_modified=date.strip())


def _beside(place: Path) -> Path:
    return place.with_name(f"{place.name}.json")


def _name(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
