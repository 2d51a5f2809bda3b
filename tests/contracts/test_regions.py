"""What every encoder promises that can tell which regions of a picture speak for words."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.demo.kinds import Look, draw
from shopsearch.encoders import Encoder, LazyEncoder, RegionExplainer
from shopsearch.encoders.hashing import HashingEncoder
from shopsearch.errors import RegionsUnavailable

SIZES = [(1, 1), (1, 500), (500, 1), (512, 512), (3, 511), (224, 224), (40, 30)]
VIT = {"image_size": 64, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16}
RESNET = {"image_size": 128, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16}
TIMM = {"timm_model_pretrained": False, "timm_proj": "linear", "image_size": 128}
TOWERS = {
    "openclip ViT": VIT,
    "openclip ViT that averages": VIT | {"pool_type": "avg"},
    "openclip ViT that averages before its norm": VIT
    | {"pool_type": "avg", "final_ln_after_pool": True},
    "openclip ViT that attends": VIT | {"attentional_pool": True, "attn_pooler_heads": 2},
    "openclip ResNet": RESNET,
    "openclip timm ViT": TIMM | {"timm_model_name": "test_vit", "timm_pool": "", "image_size": 160},
    "openclip timm CNN": TIMM | {"timm_model_name": "test_convnext", "timm_pool": "avg"},
}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


def _openclip(folder: Path, vision: dict) -> Encoder:
    """A small model with random weights, from a folder as open_clip puts it on the hub."""
    from shopsearch.encoders import torchvision_operators

    torchvision_operators.ensure()
    import open_clip
    import torch
    from safetensors.torch import save_file

    from shopsearch.encoders.openclip import OpenClipEncoder

    folder.mkdir()
    model = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model}))
    torch.manual_seed(0)
    weights = open_clip.CLIP(**deepcopy(model)).state_dict()
    save_file(weights, folder / "open_clip_model.safetensors")
    return OpenClipEncoder(f"local-dir:{folder}")


def _compact() -> Encoder:
    from shopsearch.encoders.compact import CompactEncoder

    return CompactEncoder()


@pytest.fixture(scope="module", params=[*TOWERS, "compact", "lazy"])
def encoder(request, tmp_path_factory) -> Encoder:
    if request.param in TOWERS:
        return _openclip(tmp_path_factory.mktemp("models") / "tiny", TOWERS[request.param])
    return LazyEncoder("compact", _compact) if request.param == "lazy" else _compact()


@pytest.fixture(scope="module")
def compact() -> Encoder:
    return _compact()


def chance_pictures() -> list[Image.Image]:
    chance = np.random.default_rng(7)
    return [
        Image.fromarray(chance.integers(0, 256, size=(h, w, 3), dtype=np.uint8)) for w, h in SIZES
    ]


def drawn(kind: str, colour: str) -> Image.Image:
    return draw(kind, Look(colour, "plain"))


def for_and_against(encoder: Encoder, picture: Image.Image, wanted: np.ndarray) -> np.ndarray:
    """In -1..1; of random weights, every place may speak against some words."""
    return encoder.relevance(picture, wanted) - encoder.relevance(picture, -wanted)


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    both = Image.new("RGB", (left.width + right.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    return both


@pytest.mark.parametrize("picture", chance_pictures(), ids=lambda picture: str(picture.size))
def test_relevance_of_a_picture_of_any_shape_is_from_0_to_1(encoder: Encoder, picture):
    relevance = encoder.relevance(picture, encoder.encode_texts(["red mug"])[0])

    assert relevance.dtype == np.float32
    assert relevance.ndim == 2
    assert np.isfinite(relevance).all()
    assert relevance.min() >= 0.0
    assert relevance.max() == 1.0 or not relevance.any()


def test_other_words_and_other_pictures_have_other_maps(encoder: Encoder):
    red, blue = encoder.encode_texts(["red mug", "blue shirt"])
    mug, lamp = drawn("mug", "red"), drawn("lamp", "green")
    maps = [for_and_against(encoder, *asked) for asked in ((mug, red), (mug, blue), (lamp, red))]

    assert np.abs(maps[0] - maps[1]).max() > 1e-3
    assert np.abs(maps[0] - maps[2]).max() > 1e-3


def test_the_same_words_have_the_same_map(encoder: Encoder):
    wanted = encoder.encode_texts(["red mug"])[0]
    maps = [encoder.relevance(drawn("mug", "red"), wanted) for _ in range(2)]

    np.testing.assert_allclose(maps[0], maps[1], atol=1e-5)


def test_what_speaks_for_words_speaks_against_their_opposite(encoder: Encoder):
    picture, wanted = drawn("mug", "red"), encoder.encode_texts(["red mug"])[0]
    both = encoder.relevance(picture, wanted) * encoder.relevance(picture, -wanted)

    assert both.max() < 1e-6


def test_painting_over_what_is_most_relevant_costs_more_cosine_than_the_least(encoder: Encoder):
    """The truth that needs no gradient. It holds for random weights too: for most pictures."""
    costs = []
    for kind in ("mug", "dress", "umbrella", "armchair", "lamp", "backpack"):
        picture, row = drawn(kind, "blue"), encoder.encode_texts([kind])[0]
        for wanted in (row, -row):
            relevance = encoder.relevance(picture, wanted)
            if relevance.any():
                shots = [picture, *(painted_over(picture, cells) for cells in masks(relevance))]
                costs.append(1.0 - encoder.encode_images(shots) @ wanted)
    of_most, of_least = np.array([cost[1:] - cost[0] for cost in costs]).T

    assert len(costs) >= 6
    assert of_most.mean() > max(0.0, of_least.mean())
    assert (of_most > of_least).mean() > 0.5


def test_embeddings_are_what_they_were_after_a_map_was_drawn(encoder: Encoder):
    picture, wanted = drawn("mug", "red"), encoder.encode_texts(["red mug"])[0]
    before = encoder.encode_images([picture])
    pixels = picture.tobytes()
    encoder.relevance(picture, wanted)

    np.testing.assert_array_equal(encoder.encode_images([picture]), before)
    assert picture.tobytes() == pixels


def test_threads_at_once_get_the_maps_and_rows_that_they_get_alone(encoder: Encoder):
    pictures = [drawn("mug", "red"), drawn("lamp", "green"), drawn("vase", "blue")]
    rows = encoder.encode_texts(["red mug", "green lamp", "blue vase"])
    work: list[Callable[[], np.ndarray]] = [
        lambda p=p, r=r: encoder.relevance(p, r) for p, r in zip(pictures, rows, strict=True)
    ]
    work += [lambda p=p: encoder.encode_images([p]) for p in pictures]
    alone = [call() for call in work]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            together = [job.result() for job in [pool.submit(call) for call in work]]
            for ours, theirs in zip(together, alone, strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_an_encoder_that_cannot_tell_regions_says_which_can():
    built = HashingEncoder()
    lazy = LazyEncoder(built.encoder_id, lambda: built)

    assert not isinstance(built, RegionExplainer)
    with pytest.raises(RegionsUnavailable, match="use the compact encoder or openclip"):
        lazy.relevance(Image.new("RGB", (4, 4)), built.encode_texts(["red"])[0])


class TestCompact:
    """Real weights: the maps are held against what the pictures show."""

    @pytest.mark.parametrize(
        ("left", "right"),
        [
            (("mug", "red"), ("dress", "pink")),
            (("dress", "pink"), ("mug", "red")),
            (("umbrella", "blue"), ("t-shirt", "blue")),
            (("armchair", "brown"), ("bottle", "blue")),
            (("lamp", "green"), ("sneaker", "black")),
        ],
        ids=lambda product: " ".join(reversed(product)),
    )
    def test_of_two_products_side_by_side_the_one_that_is_named_is_marked(
        self, compact: Encoder, left: tuple[str, str], right: tuple[str, str]
    ):
        both = side_by_side(drawn(*left), drawn(*right))
        of_left, of_right = (
            compact.relevance(both, row) for row in compact.encode_texts([left[0], right[0]])
        )

        assert share_on_the_left(of_left) > 0.6
        assert share_on_the_left(of_right) < 0.4

    def test_the_margins_that_the_tower_adds_are_no_part_of_the_map(self, compact: Encoder):
        wanted = compact.encode_texts(["mug"])[0]
        mug = drawn("mug", "red")
        three_wide = side_by_side(side_by_side(mug, mug), mug)

        assert compact.relevance(three_wide, wanted).shape == (7, 14)  # 14 x 14 of the square


def share_on_the_left(relevance: np.ndarray) -> float:
    half = relevance.shape[1] // 2
    return float(relevance[:, :half].sum() / relevance.sum())


def masks(relevance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fifth of the cells with the highest relevance, and that with the lowest."""
    order = np.argsort(relevance, axis=None, kind="stable")
    n_cells = order.size // 5
    most, least = (np.zeros(order.size, dtype=bool) for _ in range(2))
    most[order[-n_cells:]] = True
    least[order[:n_cells]] = True
    return most.reshape(relevance.shape), least.reshape(relevance.shape)


def painted_over(picture: Image.Image, cells: np.ndarray) -> Image.Image:
    mask = Image.fromarray(cells.astype(np.uint8) * 255)
    mask = mask.resize(picture.size, Image.Resampling.NEAREST)
    mean = tuple(int(channel) for channel in np.asarray(picture).mean(axis=(0, 1)))
    return Image.composite(Image.new("RGB", picture.size, mean), picture, mask)
