"""The names of the ImageNet classes, said in several ways."""

from __future__ import annotations

from collections.abc import Sequence

from shopsearch.encoders import torchvision_operators
from shopsearch.encoders.compact_towers import N_CLASSES

N_WAYS = 4


def ways_to_say() -> Sequence[tuple[str, ...]]:
    """For each class, in the order of the classifier: all names, one, in a sentence, explained."""
    torchvision_operators.ensure()
    from timm.data import ImageNetInfo

    known = ImageNetInfo()
    ways = []
    for number in range(N_CLASSES):
        names = str(known.index_to_description(number))
        first = names.partition(", ")[0]
        explained = str(known.index_to_description(number, detailed=True))
        ways.append((names, first, f"a photo of a {first}", explained))
    return ways
