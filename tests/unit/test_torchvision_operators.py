"""A CPU-only torch beside PyPI's torchvision must not keep open_clip from being imported.

Each case runs in a process of its own, since registering is once for a process.
"""

import subprocess
import sys


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


def test_open_clip_timm_and_transformers_can_be_imported_after_ensure():
    done = _run(
        "from shopsearch.encoders import torchvision_operators as t; t.ensure(); t.ensure();"
        "import open_clip, timm; from transformers import AutoModel;"
        "t.ensure.cache_clear(); t.ensure()"
    )
    assert done.returncode == 0, done.stderr


def test_a_call_of_such_an_operator_fails_loudly_where_it_has_no_kernel():
    done = _run(
        "import torch; from shopsearch.encoders import torchvision_operators as t; t.ensure();"
        "import torchvision;"
        "boxes = torch.tensor([[0., 0., 1., 1.], [0., 0., 1., 1.]]);"
        "kept = torchvision.ops.nms(boxes, torch.tensor([1., 0.5]), 0.5);"
        "print('kept', kept.tolist())"
    )
    works = done.returncode == 0 and done.stdout == "kept [0]\n"  # torchvision fits this torch
    fails = done.returncode != 0 and "nms" in done.stderr
    assert works or fails, done.stderr


def test_the_room_itself_imports_no_torch():
    done = _run(
        "import sys; import shopsearch.encoders, shopsearch.encoders.openclip_id;"
        "sys.exit('torch' in sys.modules)"
    )
    assert done.returncode == 0, done.stderr
