"""How near items are to what a fusion has learned from: elsewhere it must not do what it learned.

Letters as in `module.py`, and M landmarks: centres of what training has seen and read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shopsearch.fusion.spans import IMAGES, TEXTS, Span


class Familiarity(nn.Module):
    """Between 0, strange, and 1, familiar. Without landmarks everything is familiar."""

    image_landmarks: Tensor  # (M, D), unit rows
    text_landmarks: Tensor  # (M', D), unit rows

    def __init__(self, dimension: int, n_images: int, n_texts: int) -> None:
        super().__init__()
        self.register_buffer("image_landmarks", torch.zeros(n_images, dimension))
        self.register_buffer("text_landmarks", torch.zeros(n_texts, dimension))

    def forward(self, image: Tensor, text: Tensor, has_image: Tensor, has_text: Tensor) -> Tensor:
        """(B, 1): that of the modality that is stranger, of those that an item has."""
        least = torch.ones_like(has_image)  # (B, 1)
        if len(self.image_landmarks):
            trust = _trust(IMAGES, image, self.image_landmarks)
            least = torch.where(has_image > 0, torch.minimum(least, trust), least)
        if len(self.text_landmarks):
            trust = _trust(TEXTS, text, self.text_landmarks)
            least = torch.where(has_text > 0, torch.minimum(least, trust), least)
        return least


def _trust(span: Span, rows: Tensor, landmarks: Tensor) -> Tensor:
    """(B, 1) shares for (B, D) rows and (M, D) landmarks."""
    nearest = (rows @ landmarks.T).amax(dim=1, keepdim=True)  # (B, 1)
    return ((nearest - span.strange) / (span.familiar - span.strange)).clamp(0, 1)
