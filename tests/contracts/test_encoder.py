"""What every encoder promises, over all of them.

`compact`, `onnx` and `openclip` are imported only when their turn comes; an import that fails is a
failure.
"""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.encoders import Encoder, LazyEncoder
from shopsearch.encoders.batching import BatchingEncoder
from shopsearch.encoders.hashing import HashingEncoder

Builder = Callable[[], Encoder]

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
AWKWARD_TEXTS = {
    "empty": "",
    "blank": " \t\n ",
    "very long": "a long description of a red mug " * 2000,
    "one endless word": "x" * 50_000,
    "emoji": "👩🏽‍🚀🧥 mug ❤️‍🔥",
    "right to left": "حذاء أحمر נעליים אדומות",
    "control characters": "red\x00mug\x07\x1b[31m\u202e\ufeff",
    "half of a surrogate pair": "mug \ud83d",
    "combining marks": "m\u0301\u0302\u0303u\u0336g",
    "markup": "<script>alert(1)</script> &amp; &#x41;",
}
SIZES = [(1, 1), (1, 500), (500, 1), (512, 512), (3, 511), (224, 224), (40, 30)]


def _openclip(folder: Path) -> Encoder:
    """A small model with random weights, from a folder as open_clip puts it on the hub."""
    from shopsearch.encoders.openclip import OpenClipEncoder

    if not folder.exists():
        import open_clip
        import torch
        from safetensors.torch import save_file

        folder.mkdir()
        (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY}))
        torch.manual_seed(0)
        save_file(open_clip.CLIP(**TINY).state_dict(), folder / "open_clip_model.safetensors")
    return OpenClipEncoder(f"local-dir:{folder}")


def _compact() -> Encoder:
    from shopsearch.encoders.compact import CompactEncoder

    return CompactEncoder()


def _onnx(models: Path) -> Encoder:
    from shopsearch.encoders.compact_onnx import OnnxCompactEncoder

    return OnnxCompactEncoder(models=models)


def _lazy() -> Encoder:
    built = HashingEncoder(64)
    return LazyEncoder(built.encoder_id, lambda: built)


def _batching(built: Encoder) -> Encoder:
    return BatchingEncoder(LazyEncoder(built.encoder_id, lambda: built))


@pytest.fixture(
    scope="module",
    params=["hashing", "lazy", "openclip", "compact", "onnx", "batching", "batching-onnx"],
)
def build(request, tmp_path_factory) -> Builder:
    models = tmp_path_factory.mktemp("models")
    builders: dict[str, Builder] = {
        "hashing": HashingEncoder,
        "lazy": _lazy,
        "openclip": lambda: _openclip(models / "tiny"),
        "compact": _compact,
        "onnx": lambda: _onnx(models),
        "batching": lambda: _batching(HashingEncoder(64)),
        "batching-onnx": lambda: _batching(_onnx(models)),
    }
    return builders[request.param]


@pytest.fixture(scope="module")
def encoder(build: Builder) -> Encoder:
    return build()


def pictures() -> list[Image.Image]:
    chance = np.random.default_rng(7)
    return [
        Image.fromarray(chance.integers(0, 256, size=(h, w, 3), dtype=np.uint8)) for w, h in SIZES
    ]


def assert_unit_rows(rows: np.ndarray, n_rows: int, encoder: Encoder) -> None:
    assert rows.dtype == np.float32
    assert rows.shape == (n_rows, encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_texts_become_unit_rows(encoder: Encoder):
    texts = ["red mug", "blue shirt with long sleeves", "a"]
    assert_unit_rows(encoder.encode_texts(texts), 3, encoder)


def test_pictures_of_any_shape_become_unit_rows(encoder: Encoder):
    shots = pictures()
    assert_unit_rows(encoder.encode_images(shots), len(shots), encoder)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_picture_of_one_shade_has_a_unit_row(encoder: Encoder, shade: int):
    plain = Image.new("RGB", (200, 100), (shade, shade, shade))
    assert_unit_rows(encoder.encode_images([plain]), 1, encoder)


@pytest.mark.parametrize("kind", AWKWARD_TEXTS)
def test_an_awkward_text_has_a_unit_row(encoder: Encoder, kind: str):
    assert_unit_rows(encoder.encode_texts([AWKWARD_TEXTS[kind]]), 1, encoder)


def test_nothing_becomes_no_rows(encoder: Encoder):
    for rows in (encoder.encode_texts([]), encoder.encode_images([])):
        assert rows.shape == (0, encoder.dimension)
        assert rows.dtype == np.float32


def test_a_batch_of_texts_gives_the_rows_of_its_members_in_their_order(encoder: Encoder):
    texts = ["shoe", *AWKWARD_TEXTS.values(), "red mug", "shoe", "a mug that is red"]
    singles = np.concatenate([encoder.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(encoder.encode_texts(texts), singles, atol=1e-4)
    np.testing.assert_allclose(encoder.encode_texts(tuple(texts)), singles, atol=1e-4)


def test_a_batch_of_pictures_gives_the_rows_of_its_members_in_their_order(encoder: Encoder):
    shots = [*pictures(), *reversed(pictures())]
    singles = np.concatenate([encoder.encode_images([shot]) for shot in shots])
    np.testing.assert_allclose(encoder.encode_images(shots), singles, atol=1e-4)


def test_many_members_make_as_many_rows(encoder: Encoder):
    texts = [f"mug number {n}" for n in range(70)]
    assert_unit_rows(encoder.encode_texts(texts), 70, encoder)
    shots = [Image.new("RGB", (20, 20), (n, 255 - n, 90)) for n in range(70)]
    rows = encoder.encode_images(shots)
    assert_unit_rows(rows, 70, encoder)
    np.testing.assert_allclose(encoder.encode_images(shots[69:]), rows[69:], atol=1e-4)


def test_other_contents_have_other_rows(encoder: Encoder):
    texts = encoder.encode_texts(["red mug", "wooden chair", ""])
    checks = Image.fromarray(np.kron([[0, 255], [255, 0]], np.ones((50, 50))).astype(np.uint8))
    shots = [
        Image.new("RGB", (100, 100), "red"),
        Image.new("RGB", (100, 100), "blue"),
        checks.convert("RGB"),
    ]
    for rows in (texts, encoder.encode_images(shots)):
        between = rows @ rows.T
        assert between[np.triu_indices(3, 1)].max() < 0.9999


def test_pictures_are_left_as_they_were(encoder: Encoder):
    shots = pictures()
    before = [shot.tobytes() for shot in shots]
    encoder.encode_images(shots)
    assert [(shot.size, shot.tobytes()) for shot in shots] == list(zip(SIZES, before, strict=True))


def test_rows_belong_to_the_caller(encoder: Encoder):
    first = encoder.encode_texts(["red mug"])
    kept = first.copy()
    first[:] = 0.0
    np.testing.assert_allclose(encoder.encode_texts(["red mug"]), kept, atol=1e-6)


def test_the_same_weights_have_the_same_id_and_rows(build: Builder, encoder: Encoder):
    again = build()
    assert again.encoder_id == encoder.encoder_id != ""
    np.testing.assert_allclose(
        again.encode_texts(["red mug"]), encoder.encode_texts(["red mug"]), atol=1e-6
    )


def test_threads_at_once_get_the_rows_they_get_alone(encoder: Encoder):
    texts = [["red mug"], ["a blue shirt", "shoe " * 50], ["", "x"]]
    shots = [pictures()[:2], pictures()[2:5], pictures()[5:]]
    alone = [encoder.encode_texts(t) for t in texts] + [encoder.encode_images(s) for s in shots]
    work = [lambda t=t: encoder.encode_texts(t) for t in texts]
    work += [lambda s=s: encoder.encode_images(s) for s in shots]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            together = [job.result() for job in [pool.submit(call) for call in work]]
            for ours, theirs in zip(together, alone, strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-4)


class TestLazyEncoder:
    def test_it_knows_its_id_without_building_and_builds_at_the_first_use(self):
        built: list[Encoder] = []

        def build() -> Encoder:
            built.append(HashingEncoder(48))
            return built[-1]

        lazy = LazyEncoder("hashing-48-v1", build)
        assert lazy.encoder_id == "hashing-48-v1"
        assert (lazy.is_loaded, built) == (False, [])
        assert lazy.dimension == 48
        lazy.encode_texts(["a"])
        lazy.encode_images([Image.new("RGB", (4, 4))])
        assert (lazy.is_loaded, len(built)) == (True, 1)

    def test_warming_up_encodes_what_will_be_asked_for(self):
        asked: list[str] = []

        class Watched(HashingEncoder):
            def encode_images(self, pictures):
                asked.append("picture")
                return super().encode_images(pictures)

            def encode_texts(self, texts):
                asked.append("text")
                return super().encode_texts(texts)

        lazy = LazyEncoder("hashing-128-v1", Watched)
        lazy.warm_up(pictures=False)
        assert asked == ["text"]
        lazy.warm_up()
        assert asked == ["text", "text", "picture"]

    def test_many_threads_at_once_build_it_once(self):
        built: list[Encoder] = []
        start = threading.Barrier(8)

        def build() -> Encoder:
            time.sleep(0.05)  # long enough for every thread to arrive
            built.append(HashingEncoder())
            return built[-1]

        lazy = LazyEncoder("hashing-128-v1", build)

        def use() -> Encoder:
            start.wait()
            return lazy.load()

        with ThreadPoolExecutor(8) as pool:
            loaded = [job.result() for job in [pool.submit(use) for _ in range(8)]]
        assert len(built) == 1
        assert all(encoder is built[0] for encoder in loaded)

    def test_a_build_that_fails_is_tried_again_at_the_next_use(self):
        attempts: list[int] = []

        def build() -> Encoder:
            attempts.append(1)
            if len(attempts) == 1:
                raise OSError("the disk was away")
            return HashingEncoder()

        lazy = LazyEncoder("hashing-128-v1", build)
        with pytest.raises(OSError, match="disk was away"):
            lazy.load()
        assert not lazy.is_loaded
        assert lazy.encode_texts(["a"]).shape == (1, 128)
