"""What the open_clip encoder says when a model cannot be had."""

import shutil
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from shopsearch.encoders import torchvision_operators
from shopsearch.errors import EncoderError, EncoderUnavailable

torchvision_operators.ensure()

import open_clip  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from shopsearch.encoders.openclip import OpenClipEncoder  # noqa: E402


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

    def test_of_weights_of_another_model(self, tmp_path: Path, save_model, named: str):
        other = save_model(tmp_path / "other", embed_dim=40)
        with pytest.raises(EncoderUnavailable, match=r"cannot be loaded.*belongs to this model"):
            OpenClipEncoder(named, str(other / "open_clip_model.safetensors"))

    def test_of_weights_that_would_run_code(self, tmp_path: Path, named: str):
        trap = tmp_path / "weights.pt"
        torch.save({"state_dict": _Trap(tmp_path / "sprung")}, trap)
        with pytest.raises(EncoderUnavailable, match=r"cannot be loaded: Weights only load failed"):
            OpenClipEncoder(named, str(trap))
        assert not (tmp_path / "sprung").exists()

    def test_of_a_missing_tokenizer(self, tmp_path: Path, save_siglip):
        folder = save_siglip(tmp_path / "bare", tokenizer=False)
        with pytest.raises(EncoderUnavailable, match=r"cannot be loaded.*tokenizer files"):
            OpenClipEncoder(f"local-dir:{folder}")

    def test_of_weights_that_give_no_numbers(
        self, tmp_path: Path, folder: Path, named: str, pictures
    ):
        model = open_clip.create_model_from_pretrained(f"local-dir:{folder}")[0]
        weights = model.state_dict()
        weights["visual.proj"].fill_(float("nan"))
        save_file(weights, tmp_path / "nan.safetensors")
        encoder = OpenClipEncoder(named, str(tmp_path / "nan.safetensors"))
        with pytest.raises(EncoderError, match="SHOPSEARCH_PRECISION=fp32"):
            encoder.encode_images(pictures[:1])

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
        self, dead_hub: Path, caplog, model: str, pretrained: str | None, remedy: str
    ):
        started = time.perf_counter()
        message = rf"cannot be loaded: .*http://127\.0\.0\.1.* is out of reach: .*{remedy}"
        with pytest.raises(EncoderUnavailable, match=message):
            OpenClipEncoder(model, pretrained, cache_dir=dead_hub)
        assert time.perf_counter() - started < 10
        assert caplog.records == []  # the error says it all

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
        np.testing.assert_array_equal(
            cached.encode_texts(["red mug"]), encoder.encode_texts(["red mug"])
        )
        assert cached.encoder_id == "openclip/hf-hub:shop/tiny"
