"""The open_clip encoder on small, randomly initialised models: every route that needs no hub."""

import json
import shutil
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.encoders import torchvision_operators
from shopsearch.errors import EncoderError, EncoderUnavailable

torchvision_operators.ensure()

import open_clip  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from shopsearch.encoders.openclip import OpenClipEncoder  # noqa: E402
from shopsearch.encoders.openclip_id import openclip_id  # noqa: E402

VISION = {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
TINY = {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT}
WORDS = ["red mug", "a blue shirt with long sleeves and a collar", "", "shoe " * 100]


def save_model(folder: Path, architecture: dict, *, seed: int = 0, weights: str = "safetensors"):
    """A model with random weights in a folder, as open_clip puts it on the hub."""
    folder.mkdir(parents=True)
    config = {"model_cfg": architecture, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    architecture = json.loads(json.dumps(architecture))
    custom = architecture.pop("custom_text", False)
    model = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**architecture)
    if weights == "safetensors":
        save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    else:
        torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


def pictures(n: int) -> list[Image.Image]:
    chance = np.random.default_rng(1)
    sizes = chance.integers(20, 120, size=(n, 2))
    return [
        Image.fromarray(chance.integers(0, 256, size=(h, w, 3), dtype=np.uint8)) for h, w in sizes
    ]


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("openclip") / "tiny", TINY)


@pytest.fixture(scope="session")
def named(tmp_path_factory) -> str:
    """The same architecture, known to open_clip by a name."""
    path = tmp_path_factory.mktemp("configs") / "shopsearch-tiny.json"
    path.write_text(json.dumps(TINY))
    open_clip.add_model_config(path)
    return path.stem


@pytest.fixture(scope="session")
def encoder(folder: Path) -> OpenClipEncoder:
    return OpenClipEncoder(f"local-dir:{folder}")


def test_rows_are_those_that_open_clip_itself_gives(folder: Path, encoder: OpenClipEncoder):
    name = f"local-dir:{folder}"
    model, preprocess = open_clip.create_model_from_pretrained(name)
    shots = pictures(5)
    with torch.inference_mode():
        text = model.eval().encode_text(open_clip.get_tokenizer(name)(WORDS), normalize=True)
        image = model.encode_image(torch.stack([preprocess(p) for p in shots]), normalize=True)
    np.testing.assert_allclose(encoder.encode_texts(WORDS), text.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_images(shots), image.numpy(), atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_rows_do_not_depend_on_the_size_of_a_batch(
    folder: Path, encoder: OpenClipEncoder, batch_size: int
):
    other = OpenClipEncoder(f"local-dir:{folder}", batch_size=batch_size)
    texts = [f"{'word ' * n}{n}" for n in (3, 0, 70, 12, 1, 7, 30)]
    shots = pictures(7)
    singles = np.concatenate([encoder.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(other.encode_texts(texts), singles, atol=1e-5)
    singles = np.concatenate([encoder.encode_images([shot]) for shot in shots])
    np.testing.assert_allclose(other.encode_images(shots), singles, atol=1e-5)


def test_a_folder_with_pickled_weights_gives_the_rows_of_one_with_safetensors(
    tmp_path: Path, encoder: OpenClipEncoder
):
    pickled = save_model(tmp_path / "pickled", TINY, weights="bin")
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


def test_a_folder_with_its_own_hugging_face_tokenizer_uses_it(tmp_path: Path):
    folder = save_model(tmp_path / "own", _with_own_tokenizer())
    _save_tokenizer(folder)
    encoder = OpenClipEncoder(f"local-dir:{folder}")
    same, other = encoder.encode_texts(["red mug", "red  mug", "mug red"])[1:]
    np.testing.assert_allclose(encoder.encode_texts(["red mug"])[0], same, atol=1e-6)
    assert np.abs(same - other).max() > 1e-3


def test_a_tokenizer_from_outside_cannot_switch_on_code_from_outside(tmp_path: Path, monkeypatch):
    architecture = _with_own_tokenizer()
    architecture["text_cfg"]["tokenizer_kwargs"] = {"trust_remote_code": True}
    folder = save_model(tmp_path / "hostile", architecture)
    _save_tokenizer(folder)
    seen = {}
    from transformers import AutoTokenizer

    real = AutoTokenizer.from_pretrained
    monkeypatch.setattr(
        AutoTokenizer, "from_pretrained", lambda *a, **k: (seen.update(k), real(*a, **k))[1]
    )
    OpenClipEncoder(f"local-dir:{folder}")
    assert seen["trust_remote_code"] is False


def _with_own_tokenizer() -> dict:
    text = {"vocab_size": 8, "hf_tokenizer_name": "its-own", "context_length": 16}
    more = {"no_causal_mask": True, "pool_type": "last"}  # as SigLIP has them
    return {**TINY, "custom_text": True, "text_cfg": {**TEXT, **text, **more}}


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
    tmp_path: Path, custom_text: bool, changes: dict, is_cut: bool
):
    architecture = {**TINY, "custom_text": custom_text, "text_cfg": {**TEXT, **changes}}
    folder = save_model(tmp_path / "model", architecture)
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
    folder: Path, encoder: OpenClipEncoder, precision: str
):
    half = OpenClipEncoder(f"local-dir:{folder}", precision=precision)
    assert half.encoder_id == encoder.encoder_id
    for method, contents in (("encode_texts", WORDS), ("encode_images", pictures(3))):
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


class TestRefusals:
    """Each names the value and the remedy, and comes quickly."""

    @pytest.mark.parametrize(
        ("model", "pretrained", "message"),
        [
            ("ViT-B-32", None, "no weights without a pretrained tag.*SHOPSEARCH_OPENCLIP_PRETR"),
            ("ViT-B32", "openai", "no model 'ViT-B32'; did you mean .*ViT-B-32"),
            ("qqqqqq", "openai", "no model 'qqqqqq'"),
            ("ViT-B-32", "laion3b", "no weights 'laion3b' for ViT-B-32.*it has openai, laion400m"),
            ("ViT-S-16", "openai", "no weights 'openai' for ViT-S-16.*name a weights file"),
            ("ViT-B-32", "gone.safetensors", r"no weights file at 'gone\.safetensors'"),
            ("ViT-B-32", "some/where", "no weights file at 'some/where'"),
            ("local-dir:/nowhere/at/all", None, "no folder '/nowhere/at/all'"),
            ("hf-hub:a/b", "openai", "brings its own weights.*unset SHOPSEARCH_OPENCLIP_PRETR"),
        ],
    )
    def test_of_names_that_lead_nowhere(self, model: str, pretrained: str | None, message: str):
        with pytest.raises(EncoderUnavailable, match=message):
            OpenClipEncoder(model, pretrained)

    def test_of_a_folder_without_configuration_or_weights(self, tmp_path: Path, folder: Path):
        with pytest.raises(EncoderUnavailable, match=r"no open_clip_config\.json"):
            OpenClipEncoder(f"local-dir:{tmp_path}")
        shutil.copy(folder / "open_clip_config.json", tmp_path)
        with pytest.raises(EncoderUnavailable, match=r"no weights.*open_clip_model\.safetensors"):
            OpenClipEncoder(f"local-dir:{tmp_path}")

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            (
                "open_clip_model.safetensors",
                b"cut",
                "cannot be loaded: .*whole and belong together",
            ),
            ("open_clip_config.json", b"{", "cannot be loaded"),
            ("open_clip_config.json", b"[]", "no 'model_cfg'"),
            ("open_clip_config.json", b'{"model_cfg": {"embed_dim": 5}}', "cannot be loaded"),
        ],
    )
    def test_of_a_folder_with_a_broken_file(
        self, tmp_path: Path, folder: Path, name: str, content: bytes, message: str
    ):
        broken = shutil.copytree(folder, tmp_path / "broken")
        (broken / name).write_bytes(content)
        with pytest.raises(EncoderUnavailable, match=message):
            OpenClipEncoder(f"local-dir:{broken}")

    def test_of_weights_of_another_model(self, tmp_path: Path, named: str):
        other = save_model(tmp_path / "other", {**TINY, "embed_dim": 40})
        with pytest.raises(EncoderUnavailable, match=r"cannot be loaded.*belongs to this model"):
            OpenClipEncoder(named, str(other / "open_clip_model.safetensors"))

    def test_of_weights_that_would_run_code(self, tmp_path: Path, named: str):
        trap = tmp_path / "weights.pt"
        torch.save({"state_dict": _Trap(tmp_path / "sprung")}, trap)
        with pytest.raises(EncoderUnavailable, match=r"cannot be loaded: Weights only load failed"):
            OpenClipEncoder(named, str(trap))
        assert not (tmp_path / "sprung").exists()

    def test_of_a_missing_tokenizer(self, tmp_path: Path):
        folder = save_model(tmp_path / "bare", _with_own_tokenizer())
        with pytest.raises(EncoderUnavailable, match=r"cannot be loaded.*tokenizer files"):
            OpenClipEncoder(f"local-dir:{folder}")

    def test_of_weights_that_give_no_numbers(self, tmp_path: Path, folder: Path, named: str):
        model = open_clip.create_model_from_pretrained(f"local-dir:{folder}")[0]
        weights = model.state_dict()
        weights["visual.proj"].fill_(float("nan"))
        save_file(weights, tmp_path / "nan.safetensors")
        encoder = OpenClipEncoder(named, str(tmp_path / "nan.safetensors"))
        with pytest.raises(EncoderError, match="SHOPSEARCH_PRECISION=fp32"):
            encoder.encode_images(pictures(1))

    def test_of_devices_and_precisions_that_are_not_there(self, folder: Path, monkeypatch):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(EncoderUnavailable, match=r"finds no 'cuda' device.*SHOPSEARCH_DEVICE"):
            OpenClipEncoder(f"local-dir:{folder}", device="cuda")
        with pytest.raises(EncoderUnavailable, match=r"no precision 'int4'.*auto, fp32"):
            OpenClipEncoder(f"local-dir:{folder}", precision="int4")


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


class TestHub:
    """No test reaches a hub: either it refuses connections, or its cache holds all."""

    @pytest.fixture
    def dead_hub(self, tmp_path: Path, monkeypatch) -> Path:
        """A hub that refuses every connection, and an empty cache."""
        from huggingface_hub import constants

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        return tmp_path / "cache"

    @pytest.mark.parametrize(
        ("model", "pretrained", "remedy"),
        [
            ("hf-hub:Marqo/marqo-ecommerce-embeddings-B", None, "local-dir: folder"),
            ("ViT-B-32", "laion2b_s34b_b79k", "SHOPSEARCH_OPENCLIP_PRETRAINED"),
            ("RN50-quickgelu", "openai", "SHOPSEARCH_OPENCLIP_PRETRAINED"),
        ],
    )
    def test_a_hub_that_does_not_answer_is_found_out_in_seconds(
        self, dead_hub: Path, model: str, pretrained: str | None, remedy: str
    ):
        started = time.perf_counter()
        message = rf"cannot be loaded: .*http://127\.0\.0\.1.* is out of reach: .*{remedy}"
        with pytest.raises(EncoderUnavailable, match=message):
            OpenClipEncoder(model, pretrained, cache_dir=dead_hub)
        assert time.perf_counter() - started < 10

    def test_an_offline_setting_is_respected_and_named(self, dead_hub: Path, monkeypatch):
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(EncoderUnavailable, match="HF_HUB_OFFLINE is set"):
            OpenClipEncoder("hf-hub:a/b", cache_dir=dead_hub)

    def test_an_id_that_is_none_is_refused(self, dead_hub: Path):
        with pytest.raises(EncoderUnavailable, match="check the id"):
            OpenClipEncoder("hf-hub:no such/id/ever", cache_dir=dead_hub)

    def test_what_was_downloaded_once_needs_no_hub(
        self, dead_hub: Path, folder: Path, encoder: OpenClipEncoder
    ):
        repository = dead_hub / "models--shop--tiny"
        shutil.copytree(folder, repository / "snapshots" / "abc123")
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("abc123")
        cached = OpenClipEncoder("hf-hub:shop/tiny", cache_dir=dead_hub)
        np.testing.assert_array_equal(cached.encode_texts(WORDS), encoder.encode_texts(WORDS))
        assert cached.encoder_id == "openclip/hf-hub:shop/tiny"
