"""What the settings may name, and how it is made: encoders, fusions, indexes, words.

Beside `bootstrap.py` and `parts.py` the only file that names concrete adapters; a new one gets a
line here.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import make_url

from shopsearch.encoders import Encoder, LazyEncoder
from shopsearch.encoders.compact_id import INT8, compact_id, trained_for
from shopsearch.encoders.runtime import Runtime, chosen_runtime
from shopsearch.errors import FusionMismatch, GenerationMismatch, SettingsError
from shopsearch.fusion import Fusion, LazyFusion, gated_rows
from shopsearch.fusion.average import AverageFusion
from shopsearch.fusion.card import (
    AUTO,
    AVERAGE,
    default_weights,
    read_card,
    weights_file,
    weights_id,
)
from shopsearch.fusion.combiner import (
    REMEDY,
    SHIPPED_COMBINER,
    WEIGHTED_SUM,
    Combiner,
    LazyCombiner,
)
from shopsearch.index import VectorIndex, milvus_kinds
from shopsearch.languages import Language
from shopsearch.lexical.word_index import WordIndex
from shopsearch.settings import Settings
from shopsearch.storage import Storage

if TYPE_CHECKING:
    from PIL.Image import Image

    from shopsearch.index.milvus import MilvusOptions
    from shopsearch.index.outside import Outside

_log = structlog.get_logger(__name__)
_EVERY_NTH_DRAWN = 6  # 40 of 240: more change nothing


def _compact(settings: Settings) -> LazyEncoder:
    in_int8 = settings.precision == "int8"

    def build() -> Encoder:
        chosen = chosen_runtime(settings.runtime, settings.device, settings.precision)
        if chosen is Runtime.ONNX:
            from shopsearch.encoders.compact_onnx import OnnxCompactEncoder

            # a look at a home that is not there, as `doctor` takes one, makes nothing
            models = settings.home / "models" if settings.home.exists() else None
            return OnnxCompactEncoder(
                settings.head,
                models=models,
                threads=settings.threads,
                examples=_drawn_pictures if in_int8 else None,
            )
        from shopsearch.encoders.compact import CompactEncoder

        return CompactEncoder(settings.head, device=settings.device, threads=settings.threads)

    return LazyEncoder(compact_id(settings.head) + (INT8 if in_int8 else ""), build)


def _drawn_pictures() -> list[Image]:
    """Pictures to calibrate an encoder with that no shop has to give."""
    from shopsearch.demo.drawn import drawn_products
    from shopsearch.demo.kinds import draw

    products = drawn_products()[::_EVERY_NTH_DRAWN]
    return [draw(product.kind, product.look, number) for number, product in enumerate(products)]


def _openclip(settings: Settings) -> LazyEncoder:
    from shopsearch.encoders.openclip_id import openclip_id

    def build() -> Encoder:
        from shopsearch.encoders.openclip import OpenClipEncoder

        return OpenClipEncoder(
            settings.openclip_model,
            settings.openclip_pretrained,
            device=settings.device,
            precision=settings.precision,
        )

    return LazyEncoder(openclip_id(settings.openclip_model, settings.openclip_pretrained), build)


def _hashing(_settings: Settings) -> LazyEncoder:
    from shopsearch.encoders.hashing import HashingEncoder

    encoder = HashingEncoder()
    return LazyEncoder(encoder.encoder_id, lambda: encoder)


_ENCODERS: dict[str, Callable[[Settings], LazyEncoder]] = {
    "compact": _compact,
    "openclip": _openclip,
    "hashing": _hashing,
}


def encoder_of(settings: Settings) -> LazyEncoder:
    """The encoder that the settings name; its weights are loaded by its first use."""
    return _ENCODERS[settings.encoder](settings)


def fusion_of(chosen: str, encoder_id: str) -> Fusion:
    """The fusion of this name, weights file, or what fits the encoder. Raises `FusionUnavailable`
    and `FusionMismatch`.
    """
    if chosen == AVERAGE:
        return AverageFusion()
    path = default_weights() if chosen == AUTO else weights_file(chosen)
    if path is None:
        return AverageFusion()
    card = read_card(path)
    if chosen == AUTO and card.encoder_id != trained_for(encoder_id):
        return AverageFusion()
    card.check(trained_for(encoder_id), path)

    def build() -> Fusion:
        if card.method == gated_rows.METHOD:
            return gated_rows.GatedRows.load(path)
        from shopsearch.fusion.learned import LearnedFusion

        return LearnedFusion.load(path)

    return LazyFusion(weights_id(path), build)


def combiner_of(chosen: str, encoder_id: str, fusion_id: str) -> Combiner | None:
    """The combiner of this weights file, or what fits; None: the weighted sum. Raises
    `FusionUnavailable` and `FusionMismatch`.
    """
    if chosen == WEIGHTED_SUM or (chosen == AUTO and not SHIPPED_COMBINER.is_file()):
        return None
    path = SHIPPED_COMBINER if chosen == AUTO else Path(chosen)
    card = read_card(path, REMEDY)
    fits = card.encoder_id == trained_for(encoder_id) and card.sizes.get("fusion_id") == fusion_id
    if chosen == AUTO and not fits:
        return None
    if not fits:
        raise FusionMismatch(
            f"the combiner {path} was trained for the encoder {card.encoder_id!r} and the fusion "
            f"{card.sizes.get('fusion_id')!r}, but the settings give {encoder_id!r} and "
            f"{fusion_id!r}: {REMEDY}"
        )

    def build() -> Combiner:
        from shopsearch.fusion.replacing_combiner import LearnedCombiner

        return LearnedCombiner.load(path)

    return LazyCombiner(build)


def words_in(language: Language) -> Callable[[Path], WordIndex | None]:
    """Reads the words of a generation; where they are in another language, the store is asked, as
    if there were none: it answers in this one, or says what to do.
    """

    def load(folder: Path) -> WordIndex | None:
        try:
            return WordIndex.load(folder, language)
        except GenerationMismatch as error:
            _log.warning("the words of the index cannot be used", error=str(error))
            return None

    return load


def storage_of(settings: Settings) -> Storage | None:
    """Where nodes share files, if the settings name a place. Raises `SettingsError`."""
    if settings.storage is None:
        return None
    from shopsearch.storage.address import StorageAddress, check_package
    from shopsearch.storage.object_storage import ObjectStorage

    address = StorageAddress.of(settings.storage)
    check_package(address)
    return ObjectStorage(address)


def new_index(settings: Settings) -> Callable[[int], VectorIndex]:
    """What makes an empty index of a dimension, as the settings say."""

    def exact(dimension: int) -> VectorIndex:
        from shopsearch.index.exact import ExactIndex

        return ExactIndex(dimension)

    def faiss(dimension: int) -> VectorIndex:
        from shopsearch.index.faiss import FaissIndex

        return FaissIndex(dimension, kind=settings.index_kind)

    def milvus(dimension: int) -> VectorIndex:
        from shopsearch.index.milvus import MilvusIndex

        return MilvusIndex(dimension, milvus_options(settings))

    return {"exact": exact, "faiss": faiss, "milvus": milvus}[settings.index]


def milvus_options(settings: Settings) -> MilvusOptions:
    """Which Milvus, and how; its collections belong to whoever has this database. Raises
    `SettingsError` where pymilvus is missing.
    """
    from shopsearch.index.milvus import MilvusOptions
    from shopsearch.index.milvus_connection import MISSING, MilvusPlace

    if find_spec("pymilvus") is None:
        raise SettingsError(MISSING)
    token = settings.milvus_token
    whose = make_url(settings.resolved_database_url).set(username=None, password=None)
    return MilvusOptions(
        place=MilvusPlace(
            settings.milvus_uri or str((settings.home / "milvus.db").resolve()),
            token="" if token is None else token.get_secret_value(),
            database=settings.milvus_database,
            timeout_s=settings.milvus_timeout_s,
            patience_s=settings.milvus_patience_s,
        ),
        owner=blake2b(str(whose).encode(), digest_size=4).hexdigest(),
        prefix=settings.milvus_collection,
        kind=settings.milvus_index,
        consistency=settings.milvus_consistency,
    )


def outside(settings: Settings) -> Outside | None:
    """Who looks after what the generations keep on a server; None where it is all on disk."""
    if settings.index != "milvus":
        return None
    from shopsearch.index.milvus_upkeep import MilvusUpkeep

    return MilvusUpkeep(milvus_options(settings))


def comparing_index(dimension: int, n_rows: int) -> VectorIndex:
    """An empty index in which each of so many rows asks for its nearest: batches of queries are
    fastest compared with all at once (39,000 rows: six times as fast as in FAISS), up to a size
    beyond which only a graph does.
    """
    from shopsearch.index.exact import ExactIndex
    from shopsearch.index.faiss import FLAT_UP_TO, FaissIndex

    if n_rows <= FLAT_UP_TO:
        return ExactIndex(dimension)
    return FaissIndex(dimension, kind="hnsw")


def loaders(settings: Settings) -> dict[str, Callable[[Path], VectorIndex]]:
    """How the index of a generation is read back, by the kind that its manifest names."""

    def exact(folder: Path) -> VectorIndex:
        from shopsearch.index.exact import ExactIndex

        return ExactIndex.load(folder)

    def faiss(folder: Path) -> VectorIndex:
        from shopsearch.index.faiss import FaissIndex

        return FaissIndex.load(folder)

    def milvus(folder: Path) -> VectorIndex:
        from shopsearch.index.milvus import MilvusIndex

        return MilvusIndex.load(folder, milvus_options(settings))

    on_milvus = {f"milvus-{kind}": milvus for kind in milvus_kinds.KINDS}
    kinds = ("flat", "hnsw", "sq8", "hnsw-sq8", "ivf-sq8", "ivf-pq")
    return {"exact": exact, **{f"faiss-{kind}": faiss for kind in kinds}, **on_milvus}
