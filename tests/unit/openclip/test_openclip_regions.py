"""Regions of open_clip models: what depends on precision and on how a picture is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.encoders.openclip import OpenClipEncoder


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_gives_nearly_the_same_map(
    folder: Path, encoder: OpenClipEncoder, pictures, precision: str
) -> None:
    half = OpenClipEncoder(f"local-dir:{folder}", precision=precision)
    for picture, row in zip(pictures, encoder.encode_texts(["red mug"] * 7), strict=True):
        ours, theirs = half.relevance(picture, row), encoder.relevance(picture, row)
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("resize_mode", "shape"), [("shortest", (4, 8)), ("longest", (2, 4)), ("squash", (4, 4))]
)
def test_the_map_lies_where_the_picture_was_shown(
    folder: Path, tmp_path: Path, resize_mode: str, shape: tuple[int, int]
) -> None:
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["resize_mode"] = resize_mode
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "open_clip_config.json").write_text(json.dumps(config))
    shown = OpenClipEncoder(f"local-dir:{other}")
    chance = np.random.default_rng(3).integers(0, 256, size=(60, 120, 3), dtype=np.uint8)

    relevance = shown.relevance(Image.fromarray(chance), shown.encode_texts(["red mug"])[0])

    assert relevance.shape == shape
    assert relevance.any()
    if resize_mode == "shortest":  # both ends are cropped off
        assert not relevance[:, [0, 1, 6, 7]].any()
