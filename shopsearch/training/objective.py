"""What the learned part of the head is taught: pictures and words that belong together are near.

Letters: B pairs of a batch, D the length of a row.
"""

from __future__ import annotations

import torch
from torch import Tensor


def contrastive_loss(
    pictures: Tensor, words: Tensor, caption_ids: Tensor, sharpness: Tensor
) -> Tensor:
    """Symmetric InfoNCE (van den Oord et al. 2018, arXiv:1807.03748) over one batch.

    `pictures` and `words` are (B, D), pair by pair; `caption_ids` (B,) tell which words are the
    same. Titles repeat: whoever shares the words of a pair is as right as its own partner.
    """
    scores = sharpness * pictures @ words.T  # (B, B)
    same = (caption_ids[:, None] == caption_ids[None, :]).float()  # (B, B), symmetric
    target = same / same.sum(dim=1, keepdim=True)  # (B, B); each row sums to one
    by_picture = -(target * scores.log_softmax(dim=1)).sum(dim=1).mean()
    by_words = -(target * scores.T.log_softmax(dim=1)).sum(dim=1).mean()
    return torch.stack([by_picture, by_words]).mean()
