"""Encodes texts at their true length where a text tower permits it.

CLIP fills every text up to 77 tokens, and computes them all. Under a causal mask a token sees only
those before it, so that nothing after the pooled end-of-text token can matter: cutting there gives
the same embedding for a fraction of the work. Whether a model is of that kind is tried out on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_SAME = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 3e-2}  # of a unit row


class CausalText:
    """The text tower of a `CLIP` or a `CustomTextCLIP`, cut after the longest text's end."""

    def __init__(self, network: Any) -> None:
        own = hasattr(network, "text")
        self._tower = network.text if own else network
        self._pools_eos = (self._tower.pool_type if own else network.text_pool_type) == "eos"
        self._eos_id = self._tower.eos_id if own else network.text_eos_id

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """(N, L) ids -> (N, D), not yet of length one."""
        tower = self._tower
        ends = self._ends(tokens)  # (N,)
        length = int(ends.max()) + 1
        dtype = tower.transformer.get_cast_dtype()
        x = tower.token_embedding(tokens[:, :length]).to(dtype)  # (N, length, W)
        x = x + tower.positional_embedding[:length].to(dtype)
        x = tower.transformer(x, attn_mask=tower.attn_mask[:length, :length])
        x = tower.ln_final(x)[torch.arange(len(x), device=x.device), ends]  # (N, W)
        projection = tower.text_projection
        if projection is not None:
            x = projection(x) if isinstance(projection, torch.nn.Linear) else x @ projection
        rows: torch.Tensor = x  # (N, D)
        return rows

    def _ends(self, tokens: torch.Tensor) -> torch.Tensor:
        """(N,) where the pooled token stands."""
        marks = (tokens == self._eos_id).int() if self._pools_eos else tokens
        return marks.argmax(dim=-1)


def text_encoding(
    network: Any, probes: torch.Tensor, dtype: torch.dtype
) -> Callable[[torch.Tensor], torch.Tensor]:
    """How to encode texts with this model: cut, if that gives the same for `probes` (N, L)."""
    whole: Callable[[torch.Tensor], torch.Tensor] = network.encode_text
    tower = getattr(network, "text", network)
    pool = getattr(network, "text_pool_type", None) or getattr(tower, "pool_type", None)
    is_causal = getattr(tower, "attn_mask", None) is not None
    if (
        not is_causal
        or pool not in ("argmax", "eos")
        or getattr(tower, "cls_emb", None) is not None
    ):
        return whole
    cut = CausalText(network)
    gap = _unit(whole(probes)) - _unit(cut(probes))
    return cut if float(gap.abs().max()) <= _SAME[dtype] else whole


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows.float(), dim=-1)
