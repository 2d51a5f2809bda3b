"""Small open_clip models with random weights, saved as open_clip puts them on the hub."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.encoders import torchvision_operators

torchvision_operators.ensure()

import open_clip  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from shopsearch.encoders.openclip import OpenClipEncoder  # noqa: E402

SaveModel = Callable[..., Path]

TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def _save_model(
    folder: Path, *, text: dict | None = None, weights: str = "safetensors", **changes
) -> Path:
    """A tiny model in a folder, its architecture changed by `changes`, its text tower by `text`."""
    folder.mkdir(parents=True)
    architecture = {**deepcopy(TINY), **changes}
    architecture["text_cfg"] |= text or {}
    config = {"model_cfg": architecture, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    custom = architecture.pop("custom_text", False)
    architecture["text_cfg"].pop("tokenizer_kwargs", None)
    model = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**architecture)
    if weights == "safetensors":
        save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    else:
        torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


def _save_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "red", "blue", "mug", "shirt"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", eos_token="[PAD]"
    )
    fast.save_pretrained(folder)


@pytest.fixture(scope="session")
def save_model() -> SaveModel:
    """Saves a tiny model; its keywords change it."""
    return _save_model


@pytest.fixture(scope="session")
def save_siglip() -> SaveModel:
    """Saves a model with a tokenizer of its own and a text tower as SigLIP has them."""

    def save(folder: Path, *, tokenizer: bool = True, **text) -> Path:
        its_own = {"vocab_size": 8, "hf_tokenizer_name": "its-own", "context_length": 16}
        tower = {"no_causal_mask": True, "pool_type": "last"}
        _save_model(folder, custom_text=True, text={**its_own, **tower, **text})
        if tokenizer:
            _save_tokenizer(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A tiny model in a folder; not to be changed."""
    return _save_model(tmp_path_factory.mktemp("openclip") / "tiny")


@pytest.fixture(scope="session")
def named(tmp_path_factory) -> str:
    """The same architecture, known to open_clip by a name."""
    path = tmp_path_factory.mktemp("configs") / "shopsearch-tiny.json"
    path.write_text(json.dumps(TINY))
    open_clip.add_model_config(path)
    return path.stem


@pytest.fixture(scope="session")
def encoder(folder: Path) -> OpenClipEncoder:
    """The encoder of `folder`."""
    return OpenClipEncoder(f"local-dir:{folder}")


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Seven of various sizes."""
    chance = np.random.default_rng(1)
    sizes = chance.integers(20, 120, size=(7, 2))
    return [
        Image.fromarray(chance.integers(0, 256, size=(h, w, 3), dtype=np.uint8)) for h, w in sizes
    ]
