"""The pictures of a storage that nodes share: checked against the store, backed up, put back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shopsearch.errors import ProductRejected
from shopsearch.preprocessing.picture_files import PICTURES
from shopsearch.storage import Storage, StoredName
from shopsearch.store import StoreUpkeep
from shopsearch.upkeep.faults import REPAIR, Count, Cure, Fault, Faults, Severity
from shopsearch.upkeep.picture_check import content_damage

_PICTURE = re.compile(
    rf"{PICTURES}/[0-9a-f]{{2}}/(?P<hash>[0-9a-f]{{64}})(?P<kind>\.jpg|\.\d{{1,4}}\.webp)"
)


class SharedPictures:
    """Working copies and thumbnails below `pictures/` of a storage."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._clock = clock

    def copies(self) -> Iterator[tuple[str, bytes]]:
        """All working copies, as `ab/abcd.jpg` and their bytes."""
        for stored in self._storage.names(PICTURES):
            if stored.name.endswith(".jpg"):
                content = self._storage.read(stored.name)
                if content is not None:  # else it was removed at this moment
                    yield stored.name.removeprefix(f"{PICTURES}/"), content

    def put(self, name: str, path: Path) -> None:
        """Put a working copy in place."""
        self._storage.upload(f"{PICTURES}/{name}", path)

    def remove(self, stored: str) -> None:
        """Delete a file by its name in the storage."""
        self._storage.delete([stored])

    @contextmanager
    def taken_away(self, stored: str) -> Iterator[str]:
        """Take a picture away so that it is made anew, and put it back where that fails. Gives its
        content hash.
        """
        before = self._storage.read(stored)
        self._storage.delete([stored])
        try:
            yield Path(stored).stem
        finally:
            if before is not None and self._storage.read(stored) is None:
                self._storage.write(stored, before)

    def check_there(self, stored: str) -> None:
        """Raise `ProductRejected` where a picture was not made anew."""
        if self._storage.read(stored) is None:
            raise ProductRejected("it was a further picture, which has changed since or is gone")

    def faults(self, store: StoreUpkeep, count: Count, *, settled_s: float) -> Faults:
        """Missing and damaged working copies, and files of no product that are `settled_s` old.

        Every working copy is fetched.
        """
        wanted = dict(store.pictures())
        there: set[str] = set()
        for stored in self._storage.names(PICTURES):
            match = _PICTURE.fullmatch(stored.name)
            if match is None or match["hash"] not in wanted:
                yield from self._orphan(stored, settled_s)
            elif match["kind"] == ".jpg":
                there.add(match["hash"])
                count.add()
                yield from self._damaged(stored.name, wanted[match["hash"]])
        for content_hash, product_id in wanted.items():
            if content_hash not in there:
                yield _remade(
                    product_id,
                    f"{PICTURES}/{content_hash[:2]}/{content_hash}.jpg",
                    f"the working copy {content_hash[:16]}... of its picture is missing",
                )

    def _damaged(self, name: str, product_id: str) -> Faults:
        content = self._storage.read(name)
        if content is not None and (what := content_damage(content)):
            yield _remade(product_id, name, f"the working copy {name} of its picture: {what}")

    def _orphan(self, stored: StoredName, settled_s: float) -> Faults:
        written_at = stored.written_at
        if written_at is None or self._clock() - written_at >= settled_s:
            yield Fault(
                subject=stored.name,
                what="no product has this picture",
                remedy=f"{REPAIR} deletes it",
                cure=Cure.REMOVE,
                severity=Severity.NOTE,
                stored=stored.name,
            )


def _remade(product_id: str, name: str, what: str) -> Fault:
    return Fault(
        subject=f"product {product_id!r}",
        what=what,
        remedy=f"{REPAIR} makes it again from the picture's source, where that is still there",
        cure=Cure.REMAKE,
        product_id=product_id,
        stored=name,
    )
