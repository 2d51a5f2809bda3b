"""What encoding texts at their true length saves over padding them to the context length.

    python benchmarks/text_encoding.py [MODEL]

An open_clip text tower with random weights, and the text tower of the compact encoder as it ships.
Both ways run in turns in one process; that they give the same rows is looked at too.
"""

import platform
import sys
import time
from collections.abc import Callable

from shopsearch.encoders import torchvision_operators

torchvision_operators.ensure()

import open_clip  # noqa: E402
import torch  # noqa: E402

from shopsearch.encoders.compact_inputs import MAX_TOKENS  # noqa: E402
from shopsearch.encoders.compact_towers import TextTower  # noqa: E402
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
            apart = (network.encode_text(tokens) - cut(tokens)).abs().max().item()
            show(name, times, apart)
    print(f"\ncompact, {MAX_TOKENS} tokens at most")
    tower = TextTower(torch.device("cpu"))
    for name, texts in CASES.items():
        times = [
            (seconds(lambda t=texts: padded(tower, t)), seconds(lambda t=texts: tower.embed(t)))
            for _ in range(ROUNDS)
        ]
        show(name, times, (padded(tower, texts) - tower.embed(texts)).abs().max().item())


def padded(tower: TextTower, texts: list[str]) -> torch.Tensor:
    """The rows (N, D) of texts that are all padded to the context length."""
    whole = tower._reader._tokenizer.encode_batch(texts)
    ids = torch.zeros(len(texts), MAX_TOKENS, dtype=torch.long)
    mask = torch.zeros(len(texts), MAX_TOKENS)
    for row, one in enumerate(whole):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        mask[row, : len(one.ids)] = 1.0
    with torch.inference_mode():
        states = tower._model(input_ids=ids, attention_mask=mask).last_hidden_state  # (N, T, D)
        return torch.nn.functional.normalize((states * mask[:, :, None]).sum(dim=1), dim=1)


def show(name: str, times: list[tuple[float, float]], apart: float) -> None:
    whole, short = (min(column) for column in zip(*times, strict=True))
    print(f"{name}: {whole * 1e3:.0f} ms padded, {short * 1e3:.0f} ms at its length, ", end="")
    print(f"{whole / short:.1f} times as fast; rows differ by {apart:.1e} at most")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ViT-B-32")
