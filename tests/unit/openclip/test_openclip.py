"""The open_clip encoder on small, randomly initialised models: every route that needs no hub."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.encoders import torchvision_operators

torchvision_operators.ensure()

import open_clip  # noqa: E402
import torch  # noqa: E402

from shopsearch.encoders.openclip import OpenClipEncoder  # noqa: E402
from shopsearch.encoders.openclip_id import openclip_id  # noqa: E402

WORDS = ["red mug", "a blue shirt with long sleeves and a collar", "", "shoe " * 100]


def test_rows_are_those_that_open_clip_itself_gives(
    folder: Path, encoder: OpenClipEncoder, pictures
):
    name = f"local-dir:{folder}"
    model, preprocess = open_clip.create_model_from_pretrained(name)
    shots = pictures[:5]
    with torch.inference_mode():
        text = model.eval().encode_text(open_clip.get_tokenizer(name)(WORDS), normalize=True)
        image = model.encode_image(torch.stack([preprocess(p) for p in shots]), normalize=True)
    np.testing.assert_allclose(encoder.encode_texts(WORDS), text.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_images(shots), image.numpy(), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_rows_do_not_depend_on_the_size_of_a_batch(
    folder: Path, encoder: OpenClipEncoder, pictures, batch_size: int
):
    other = OpenClipEncoder(f"local-dir:{folder}", batch_size=batch_size)
    texts = [f"{'word ' * n}{n}" for n in (3, 0, 70, 12, 1, 7, 30)]
    singles = np.concatenate([encoder.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(other.encode_texts(texts), singles, atol=1e-5)
    singles = np.concatenate([encoder.encode_images([picture]) for picture in pictures])
    np.testing.assert_allclose(other.encode_images(pictures), singles, atol=1e-5)


def test_a_folder_with_pickled_weights_gives_the_rows_of_one_with_safetensors(
    tmp_path: Path, save_model, encoder: OpenClipEncoder
):
    pickled = save_model(tmp_path / "pickled", weights="bin")
    other = OpenClipEncoder(f"local-dir:{pickled}")
    np.testing.assert_array_equal(other.encode_texts(WORDS), encoder.encode_texts(WORDS))
    assert other.encoder_id != encoder.encoder_id  # other files: that they agree is not known


@pytest.mark.parametrize("suffix", ["safetensors", "pt", "pth"])
def test_a_name_with_a_weights_file_gives_the_rows_of_its_folder(
    tmp_path: Path, folder: Path, named: str, encoder: OpenClipEncoder, suffix: str
):
    weights = tmp_path / f"weights.{suffix}"
    if suffix == "safetensors":
        shutil.copy(folder / "open_clip_model.safetensors", weights)
    else:
        model = open_clip.create_model_from_pretrained(f"local-dir:{folder}")[0]
        torch.save({"state_dict": model.state_dict()}, weights)
    other = OpenClipEncoder(named, str(weights))
    np.testing.assert_allclose(other.encode_texts(WORDS), encoder.encode_texts(WORDS), atol=1e-6)
    assert other.encoder_id.startswith(f"openclip/{named}/")


def test_a_folder_with_its_own_hugging_face_tokenizer_uses_it(tmp_path: Path, save_siglip):
    folder = save_siglip(tmp_path / "own")
    encoder = OpenClipEncoder(f"local-dir:{folder}")
    same, other = encoder.encode_texts(["red mug", "red  mug", "mug red"])[1:]
    np.testing.assert_allclose(encoder.encode_texts(["red mug"])[0], same, atol=1e-6)
    assert np.abs(same - other).max() > 1e-3


def test_a_tokenizer_from_outside_cannot_switch_on_code_from_outside(
    tmp_path: Path, save_siglip, monkeypatch
):
    folder = save_siglip(tmp_path / "hostile", tokenizer_kwargs={"trust_remote_code": True})
    seen = {}
    from transformers import AutoTokenizer

    real = AutoTokenizer.from_pretrained
    monkeypatch.setattr(
        AutoTokenizer, "from_pretrained", lambda *a, **k: (seen.update(k), real(*a, **k))[1]
    )
    OpenClipEncoder(f"local-dir:{folder}")
    assert seen["trust_remote_code"] is False


@pytest.mark.parametrize(
    ("custom_text", "changes", "is_cut"),
    [
        *((custom, {}, True) for custom in (False, True)),
        *((custom, {"pool_type": "eos", "eos_id": 49407}, True) for custom in (False, True)),
        *((custom, {"no_causal_mask": True}, False) for custom in (False, True)),
        *((custom, {"pool_type": "last"}, False) for custom in (False, True)),
        (True, {"embed_cls": True}, False),  # a plain CLIP has no class token
    ],
)
def test_texts_are_cut_to_their_length_only_where_that_changes_nothing(
    tmp_path: Path, save_model, custom_text: bool, changes: dict, is_cut: bool
):
    folder = save_model(tmp_path / "model", custom_text=custom_text, text=changes)
    encoder = OpenClipEncoder(f"local-dir:{folder}")
    lengths: list[int] = []
    tower = encoder._model.network.text if custom_text else encoder._model.network
    tower.transformer.register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[1]))
    rows = encoder.encode_texts(["red mug"])
    whole = encoder._model.network.encode_text(encoder._tokens(["red mug"]), normalize=True)
    np.testing.assert_allclose(rows, whole.detach().numpy(), atol=1e-5)
    assert lengths[0] == 4 if is_cut else lengths[0] >= 77


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_gives_nearly_the_same_rows(
    folder: Path, encoder: OpenClipEncoder, pictures, precision: str
):
    half = OpenClipEncoder(f"local-dir:{folder}", precision=precision)
    assert half.encoder_id == encoder.encoder_id
    for method, contents in (("encode_texts", WORDS), ("encode_images", pictures[:3])):
        ours, theirs = getattr(half, method)(contents), getattr(encoder, method)(contents)
        assert ours.dtype == np.float32
        assert (ours * theirs).sum(axis=1).min() > 0.999
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1.0, atol=1e-5)


def test_the_id_follows_content_not_place(tmp_path: Path, folder: Path, encoder: OpenClipEncoder):
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert openclip_id(f"local-dir:{moved}", None) == encoder.encoder_id
    (moved / "README.md").write_text("words about the model")
    assert openclip_id(f"local-dir:{moved}", None) == encoder.encoder_id
    config = json.loads((moved / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["mean"] = [0.4] * 3
    (moved / "open_clip_config.json").write_text(json.dumps(config))
    assert openclip_id(f"local-dir:{moved}", None) != encoder.encoder_id


def test_the_ids_of_tags_and_hub_models_need_no_files():
    assert openclip_id("ViT-B/32", "laion2b-s34b-b79k") == "openclip/ViT-B-32/laion2b_s34b_b79k"
    assert openclip_id("hf-hub:Marqo/x", None) == "openclip/hf-hub:Marqo/x"


def test_very_long_pictures_are_encoded_as_open_clip_does_without_its_memory(
    folder: Path, encoder: OpenClipEncoder
):
    gradient = np.linspace(0, 255, 512).astype(np.uint8)
    wide = Image.fromarray(np.repeat(np.repeat(gradient[None], 8, axis=0)[..., None], 3, axis=2))
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    for picture in (wide, wide.transpose(Image.Transpose.ROTATE_90)):
        with torch.inference_mode():
            theirs = model.eval().encode_image(preprocess(picture)[None], normalize=True)
        np.testing.assert_allclose(encoder.encode_images([picture]), theirs.numpy(), atol=2e-3)
        assert max(encoder._transform(picture).shape) == 32
