"""From the last map of a network to the regions of the picture that it was made from.

Letters: C channels, H and W the size of the network's last map, h and w that of the relevance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

_MOST_CELLS = 64  # a side; only a very long picture, of which a network sees the middle, comes near
_SCALE = 1024.0  # of the target: gradients of half precision stay above its smallest numbers


@dataclass(frozen=True, slots=True)
class View:
    """What a network saw, in fractions of the picture: below 0 and above 1 lie added margins."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @classmethod
    def centred(cls, width: float, height: float) -> View:
        """A view of so many widths and heights of the picture around its centre."""
        return cls((1 - width) / 2, (1 - height) / 2, (1 + width) / 2, (1 + height) / 2)


WHOLE = View()


def positive_evidence(cosine: torch.Tensor, activation: torch.Tensor) -> NDArray[np.float32]:
    """(H, W): how much each place of an activation, (1, C, H, W), adds to a cosine made from it.

    The sum over channels of gradient times activation, negatives cut to 0: HiResCAM (Draelos and
    Carin 2020, arXiv:2011.08891). Where all after the map is an average and a linear layer this is
    Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391); elsewhere Grad-CAM's mean gradient may mark
    places that the network did not use.
    """
    (gradient,) = torch.autograd.grad(cosine * _SCALE, activation)
    evidence = (gradient * activation.detach()).float().sum(dim=1)[0].clamp(min=0.0)  # (H, W)
    array: NDArray[np.float32] = (evidence / _SCALE).cpu().numpy()
    return array


def over_picture(evidence: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """(h, w) in 0..1 over the whole picture, from (H, W) over what the network saw of it.

    A cell of the picture is about as large as one of the map; the strongest is 1.
    """
    rows = _resampling(evidence.shape[0], view.top, view.bottom)  # (h, H)
    columns = _resampling(evidence.shape[1], view.left, view.right)  # (w, W)
    relevance = rows @ evidence @ columns.T  # (h, w)
    strongest = float(relevance.max())
    if not strongest > 0.0:
        return np.zeros(relevance.shape, dtype=np.float32)
    return (relevance / strongest).astype(np.float32)


def _resampling(n_seen: int, start: float, end: float) -> NDArray[np.float64]:
    """(n, N) weights that read N places from `start` to `end` at n places from 0 to 1, linearly."""
    n_cells = min(max(round(n_seen / (end - start)), 1), _MOST_CELLS)
    centres = (np.arange(n_cells) + 0.5) / n_cells  # (n,)
    seen = (centres - start) / (end - start) * n_seen - 0.5  # (n,) in places of the map
    inside = (seen >= -0.5) & (seen <= n_seen - 0.5)
    distance = np.abs(seen.clip(0, n_seen - 1)[:, None] - np.arange(n_seen))  # (n, N)
    weights: NDArray[np.float64] = (1.0 - distance).clip(min=0.0) * inside[:, None]
    return weights
