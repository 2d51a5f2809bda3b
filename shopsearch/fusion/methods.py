"""The learned methods by name."""

from __future__ import annotations

from collections.abc import Mapping

from shopsearch.fusion.attention import Attention
from shopsearch.fusion.concat_mlp import ConcatMlp
from shopsearch.fusion.gated import Gated
from shopsearch.fusion.late import Late
from shopsearch.fusion.module import FusionModule, Sizes, sizes_for
from shopsearch.fusion.product import Product
from shopsearch.fusion.weighted_sum import WeightedSum

METHODS: Mapping[str, type[FusionModule]] = {
    method.method: method for method in (WeightedSum, ConcatMlp, Product, Gated, Attention, Late)
}


def new_module(method: str, dimension: int, sizes: Sizes | None = None) -> FusionModule:
    """A method before any training. Raises `KeyError` for a name that is not known."""
    return METHODS[method](dimension, sizes_for(dimension, sizes or Sizes()))
