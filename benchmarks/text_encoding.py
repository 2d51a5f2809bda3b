"""What cutting texts at their end saves in an open_clip text tower, on random weights.

    python benchmarks/text_encoding.py [MODEL]

Both ways run in turns in one process, and give the same rows.
"""

import platform
import sys
import time
from collections.abc import Callable

from shopsearch.encoders import torchvision_operators

torchvision_operators.ensure()

import open_clip  # noqa: E402
import torch  # noqa: E402

from shopsearch.encoders.openclip_text import text_encoding  # noqa: E402

ROUNDS = 7
CASES = {
    "a query of 3 words": ["striped red mug"],
    "32 titles of 9 words": ["mens cotton shirt with long sleeves and a collar"] * 32,
    "32 descriptions that fill the context": ["cotton " * 100] * 32,
}


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main(model: str) -> None:
    network = open_clip.create_model(model).eval()
    tokenize = open_clip.get_tokenizer(model)
    print(f"{model}, torch {torch.__version__}, {torch.get_num_threads()} threads, ", end="")
    print(f"{platform.processor() or platform.machine()}; best of {ROUNDS} rounds")
    with torch.inference_mode():
        cut = text_encoding(network, tokenize(["", "red mug"]), torch.float32)
        assert cut != network.encode_text, "this model cannot be cut"
        for name, texts in CASES.items():
            tokens = tokenize(texts)
            times = [
                (
                    seconds(lambda t=tokens: network.encode_text(t)),
                    seconds(lambda t=tokens: cut(t)),
                )
                for _ in range(ROUNDS)
            ]
            whole, short = (min(column) for column in zip(*times, strict=True))
            print(f"{name}: {whole * 1e3:.0f} ms whole, {short * 1e3:.0f} ms cut, ", end="")
            print(f"{whole / short:.1f} times as fast")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ViT-B-32")
