"""Random numbers that depend on a seed alone, where a layer takes no generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """In the block torch's own generator starts at a seed; after it, it goes on as before.

    Dropout and the first weights of a layer are drawn from that generator, whatever used it before.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
