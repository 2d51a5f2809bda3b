"""Which library runs the compact encoder, by the settings and by what this machine has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shopsearch.encoders import runtime
from shopsearch.encoders.runtime import Runtime, chosen_runtime, has_gpu
from shopsearch.errors import EncoderUnavailable


@pytest.mark.parametrize(
    ("wanted", "device", "gpu", "chosen"),
    [
        ("auto", "auto", False, Runtime.ONNX),
        ("auto", "auto", True, Runtime.TORCH),
        ("auto", "cpu", True, Runtime.ONNX),
        ("auto", "cuda", True, Runtime.TORCH),
        ("auto", "mps", False, Runtime.TORCH),
        ("torch", "auto", False, Runtime.TORCH),
        ("torch", "cpu", False, Runtime.TORCH),
        ("onnx", "auto", True, Runtime.ONNX),
        ("onnx", "cpu", False, Runtime.ONNX),
    ],
)
def test_auto_is_onnx_on_a_cpu_and_torch_on_a_gpu(wanted, device, gpu, chosen, monkeypatch):
    monkeypatch.setattr(runtime, "has_gpu", lambda: gpu)
    assert chosen_runtime(wanted, device) is chosen


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_onnx_on_a_gpu_is_a_contradiction(device):
    for wanted, precision in (("onnx", "auto"), ("auto", "int8")):
        with pytest.raises(EncoderUnavailable, match=f"SHOPSEARCH_DEVICE is {device}"):
            chosen_runtime(wanted, device, precision)


def test_8_bits_are_for_onnx_also_where_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr(runtime, "has_gpu", lambda: True)
    assert chosen_runtime("auto", "auto", "int8") is Runtime.ONNX
    with pytest.raises(EncoderUnavailable, match="SHOPSEARCH_RUNTIME is torch"):
        chosen_runtime("torch", "auto", "int8")


def test_without_its_packages_auto_is_torch_and_onnx_names_them(monkeypatch):
    monkeypatch.setattr(runtime, "NEEDED", ("onnxruntime-that-is-not-there", "onnx"))
    assert chosen_runtime("auto", "cpu") is Runtime.TORCH
    with pytest.raises(EncoderUnavailable, match="pip install onnxruntime-that-is-not-there,"):
        chosen_runtime("onnx", "cpu")


def test_torch_is_asked_for_a_gpu_only_where_there_are_signs_of_one():
    def never() -> bool:
        raise AssertionError("torch was asked")

    assert not has_gpu(shows_signs=lambda: False, confirm=never)
    assert not has_gpu(shows_signs=lambda: True, confirm=lambda: False)
    assert has_gpu(shows_signs=lambda: True, confirm=lambda: True)


@pytest.mark.parametrize(
    ("system", "machine", "signs"),
    [("Darwin", "arm64", True), ("Darwin", "x86_64", False), ("Windows", "AMD64", True)],
)
def test_apple_silicon_and_windows_may_have_a_gpu(system, machine, signs, monkeypatch):
    monkeypatch.setattr(runtime.platform, "system", lambda: system)
    monkeypatch.setattr(runtime.platform, "machine", lambda: machine)
    assert runtime._shows_signs() is signs


def test_on_linux_a_gpu_shows_as_a_device_file(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime.platform, "system", lambda: "Linux")
    monkeypatch.setattr(runtime, "_GPU_FILES", (str(tmp_path / "gpu"),))
    assert not runtime._shows_signs()
    (tmp_path / "gpu").touch()
    assert runtime._shows_signs()


def test_choosing_loads_neither_library():
    code = (
        "import sys; from shopsearch.encoders.runtime import chosen_runtime;"
        "chosen_runtime('auto', 'cpu'), chosen_runtime('onnx', 'auto');"
        "assert not {'torch', 'onnx', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
