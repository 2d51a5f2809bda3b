"""Products and queries -> what the encoders see of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields

import structlog

from shopsearch.domain import Picture, PreparedItem, Product, ProductRecord, Region
from shopsearch.errors import PictureRejected, ProductRejected
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.images import PICTURE_VERSION
from shopsearch.preprocessing.local import check_bytes, read_picture
from shopsearch.preprocessing.making import GivenPicture, MadeFiles, shrunk
from shopsearch.preprocessing.pictures import PictureLibrary, hash_content
from shopsearch.preprocessing.proposals import Proposal, propose
from shopsearch.preprocessing.text import TEXT_VERSION, clean_query, compose

DEFAULT_MAX_FILE_BYTES = 20_000_000
DEFAULT_FURTHER_PICTURES = 8
PREVIEW_PX = 480
_FINGERPRINT_VERSION = f"1.{TEXT_VERSION}.{PICTURE_VERSION}"

_log = structlog.get_logger(__name__)


class ItemPreparer:
    """Gets the picture of a product, checks it, and composes its text. Threads may share it."""

    def __init__(
        self,
        library: PictureLibrary,
        fetcher: PictureFetcher,
        *,
        max_file_bytes: int = DEFAULT_MAX_FILE_BYTES,
        further_pictures: int = DEFAULT_FURTHER_PICTURES,
    ) -> None:
        self._library = library
        self._fetcher = fetcher
        self._max_file_bytes = max_file_bytes
        self._further_pictures = further_pictures  # of a product, at most

    def identify(self, product: Product) -> ProductRecord:
        """What the content hashes to. The main picture is not decoded yet; further ones have their
        working copies from here on, as one that is no picture is left out.

        Raises `PictureRejected` or `FetchRejected` when the main picture cannot be had.
        """
        image_hash = hash_content(self._encoded(product.images[0])) if product.images else None
        further = self._further(product)
        fingerprint = _fingerprint(product, image_hash, further)
        return ProductRecord(product, fingerprint, image_hash, further)

    def prepare(self, record: ProductRecord) -> PreparedItem:
        """The composed text, and the picture: from the library, else from its source.

        Raises `PictureRejected`, `FetchRejected`, or `ProductRejected` where nothing is left to
        encode.
        """
        text = compose(record.product)
        picture = self._picture(record)
        if picture is None and not text:
            raise ProductRejected(
                f"product {record.product.product_id!r} has neither a picture nor readable words; "
                f"give it an image_link or a title"
            )
        return PreparedItem(text, picture)

    def given(self, record: ProductRecord) -> GivenPicture | None:
        """The main picture as bytes, for whoever decodes it elsewhere; None where there is none.

        Raises `PictureRejected` or `FetchRejected`.
        """
        if record.image_hash is None:
            return None
        if path := self._library.path(record.image_hash):
            return GivenPicture(path.read_bytes(), is_working_copy=True)
        place = record.product.images[0]
        encoded = self._source(place, record.image_hash)
        if hash_content(encoded) != record.image_hash:
            raise _changed(place)
        return GivenPicture(encoded, is_working_copy=False)

    def keep(self, image_hash: str, files: MadeFiles) -> None:
        """Keep what was made elsewhere of the picture of this hash."""
        self._library.keep(image_hash, files)

    def prepare_query(
        self, text: str, image: bytes | None, region: Region | None = None
    ) -> PreparedItem:
        """A shopper's words and picture, or a region of it; the picture is not kept.

        Raises `PictureRejected`.
        """
        if image is None:
            return PreparedItem(clean_query(text))
        check_bytes(len(image), self._max_file_bytes)
        return PreparedItem(clean_query(text), self._library.hold(image, region))

    def propose_regions(self, image: bytes) -> tuple[Proposal, ...]:
        """Regions of a shopper's picture that may hold one thing each; the picture is not kept.

        Raises `PictureRejected`.
        """
        check_bytes(len(image), self._max_file_bytes)
        return propose(self._library.hold(image).load())

    def preview(self, image: bytes) -> bytes:
        """A shopper's picture as a small WebP, to be shown back; it is not kept.

        Raises `PictureRejected`.
        """
        check_bytes(len(image), self._max_file_bytes)
        return shrunk(self._library.hold(image).load(), PREVIEW_PX)

    def _picture(self, record: ProductRecord) -> Picture | None:
        if record.image_hash is None:
            return None
        if kept := self._library.get(record.image_hash):
            return kept
        place = record.product.images[0]
        try:
            picture = self._library.add(self._source(place, record.image_hash))
        except PictureRejected as error:
            raise PictureRejected(told_at(place, str(error))) from error
        if picture.content_hash != record.image_hash:
            raise _changed(place)
        return picture

    def _source(self, place: str, image_hash: str) -> bytes:
        """What a picture was identified by, even where its host gives other bytes each time."""
        return self._fetcher.kept(place, image_hash) or self._encoded(place)

    def _further(self, product: Product) -> tuple[str | None, ...]:
        places = product.images[1 : 1 + self._further_pictures]
        hashes = tuple(self._kept(place, product.product_id) for place in places)
        while hashes and hashes[-1] is None:
            hashes = hashes[:-1]
        return hashes

    def _kept(self, place: str, product_id: str) -> str | None:
        """The content hash of a further picture; a product can do without it."""
        try:
            return self._library.add(self._encoded(place)).content_hash
        except ProductRejected as error:
            reason = told_at(place, str(error))
            _log.warning("a further picture is left out", product_id=product_id, reason=reason)
            return None

    def _encoded(self, place: str) -> bytes:
        if place.startswith(("http://", "https://")):
            return self._fetcher.fetch(place)
        return read_picture(place, self._max_file_bytes)


def _fingerprint(
    product: Product, image_hash: str | None, further: tuple[str | None, ...] = ()
) -> str:
    """SHA-256 over every field and the pictures' content, wherever the main picture lies."""
    told = {field.name: getattr(product, field.name) for field in fields(product)}  # no deep copy
    told["images"] = [image_hash, *product.images[1:], *further]
    told["attributes"] = dict(product.attributes)
    told["price"] = product.price and [product.price.amount_minor, product.price.currency]
    canonical = json.dumps([_FINGERPRINT_VERSION, told], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def told_at(place: str, reason: str) -> str:
    """Why a picture was refused, with where it lies."""
    return reason if reason.startswith(place) else f"{place}: {reason}"


def _changed(place: str) -> PictureRejected:
    return PictureRejected(f"{place}: the picture changed while it was read; index it again")
