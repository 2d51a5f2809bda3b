"""The training loop of a fusion.

In each batch some products lose their picture or their words (modality dropout), so that a missing
one is a case that was learned. Then they are asked for in four ways; the way that goes worst
counts most. What is learned stays near the untrained baseline, else it would forget what the
encoder knows of goods that the catalogs here do not show.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from shopsearch.fusion.module import FusionModule, Items
from shopsearch.training.fusion_asking import Fuse, Way, ask, product_items, query_rows
from shopsearch.training.fusion_curves import FusionEpoch
from shopsearch.training.fusion_judged import Judged
from shopsearch.training.fusion_lessons import FusionLessons
from shopsearch.training.fusion_objective import balanced, kept_near, ranking_loss
from shopsearch.training.schedule import MovingAverage, rate_share

_START_SHARPNESS = 20.0
_MAX_SHARPNESS = 60.0
_JUDGED_PER_BATCH = 64
_WAYS_TOLD = (0.15, 0.15, 0.45, 0.25)  # how often a product tells all, less, its title, part of it
_QUICKER = 10.0  # scales learn so much faster than matrices


class Objective(StrEnum):
    """What counts as a right answer."""

    CONTRASTIVE = "contrastive"  # the product that a query was made from
    SUPERVISED = "supervised"  # every product whose labels are those asked for
    SEMI = "semi"  # the same, with confident guesses where labels are missing


@dataclass(frozen=True, slots=True)
class FusionRecipe:
    """How long, how fast and by what to learn."""

    objective: Objective = Objective.SUPERVISED
    epochs: int = 12
    batch_size: int = 512
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    patience: int = 4  # epochs without a better figure before the run stops early
    dropped: float = 0.15  # the share of products that lose their picture, and their words
    kept_near: float = 0.05  # the weight of staying near the baseline
    own_first: float = 0.7  # the weight of finding the very product of a picture
    noise: float = 0.2  # the length of what is added to embeddings: no two shops write alike
    seed: int = 0


Measure = Callable[[FusionModule], float | None]


class FusionCourse:
    """The state that goes from epoch to epoch; all of it can be kept and taken up again."""

    def __init__(
        self,
        module: FusionModule,
        lessons: FusionLessons,
        recipe: FusionRecipe,
        judged: Judged | None = None,
    ) -> None:
        self.module, self._lessons, self._recipe = module, lessons, recipe
        self._judged = judged
        self._baseline = copy.deepcopy(module).eval().requires_grad_(False)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        catalogs = [lessons.catalogs == code for code in lessons.catalogs.unique()]
        self._catalogs = [here.nonzero().squeeze(1) for here in catalogs]
        self.sharpness = nn.Parameter(torch.tensor(math.log(_START_SHARPNESS)))
        self.optimizer = torch.optim.AdamW(
            self._groups(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self.average = MovingAverage(module)
        self.step = 0

    def run_epoch(self, number: int, measure: Measure) -> FusionEpoch:
        """One pass over the products."""
        started = time.monotonic()
        losses = [self._learn_batch(self._drawn()) for _ in range(self._n_batches)]
        figure = measure(self.average.model)
        return FusionEpoch(number, sum(losses) / len(losses), figure, time.monotonic() - started)

    def _learn_batch(self, places: Tensor) -> float:
        loss = self._loss(places)
        if not bool(torch.isfinite(loss)):
            raise FloatingPointError("the loss is no number any more")
        self._set_rate()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizer.step()
        self.average.follow(self.module)
        self.step += 1
        return float(loss.detach())

    def _loss(self, places: Tensor) -> Tensor:
        told = torch.tensor(_WAYS_TOLD)
        way_told = torch.multinomial(told, len(places), replacement=True, generator=self.generator)
        products = self._some_dropped(product_items(self._lessons, places, way_told))
        products = products._replace(
            image=self._noisy(products.image, products.has_image),
            text=self._noisy(products.text, products.has_text),
        )
        rows = self._fused(self.module, products)  # (B, E)
        sharpness = self.sharpness.exp().clamp(max=_MAX_SHARPNESS)
        by_label = self._recipe.objective is not Objective.CONTRASTIVE
        losses, near = [], [kept_near(rows, self._fused(self._baseline, products))]
        for way in Way:
            asked = ask(way, self._lessons, places, self.generator, by_label=by_label)
            there = (asked.items.has_image + asked.items.has_text).squeeze(1) > 0  # (B,)
            if not bool(there.any()):
                continue
            items, gains = Items(*(part[there] for part in asked.items)), asked.gains[there]
            queries = query_rows(self._fusing(self.module), items)
            losses.append(ranking_loss(queries, rows, gains, sharpness))
            near.append(kept_near(queries, query_rows(self._fusing(self._baseline), items)))
        if self._judged is not None:
            losses.append(self._judged_loss(self._judged, places, sharpness))
        return (
            balanced(torch.stack(losses))
            + self._recipe.own_first * self._own_loss(places, rows, sharpness)
            + self._recipe.kept_near * torch.stack(near).mean()
        )

    def _own_loss(self, places: Tensor, rows: Tensor, sharpness: Tensor) -> Tensor:
        """Each picture must find its own product before all that are like it."""
        asked = ask(Way.PICTURE, self._lessons, places, self.generator, by_label=False)
        return ranking_loss(self._fused(self.module, asked.items), rows, asked.gains, sharpness)

    def _judged_loss(self, judged: Judged, places: Tensor, sharpness: Tensor) -> Tensor:
        """Some judged queries, over what was judged of them and the batch, which nobody judged."""
        some = torch.randperm(len(judged), generator=self.generator)[:_JUDGED_PER_BATCH]
        about = judged.product[torch.isin(judged.query, some)]
        about = torch.cat([places, about]).unique()  # (m,)
        way_told = torch.zeros(len(about), dtype=torch.long)
        products = product_items(self._lessons, about, way_told)
        items = Items(*(part[some] for part in judged.items))
        queries = self.module(items, judged.text_weight[some])
        rows = self._fused(self.module, products)
        return ranking_loss(queries, rows, judged.gains(some, about), sharpness)

    def _some_dropped(self, items: Items) -> Items:
        """Some products lose one modality; the other is always left to them."""
        chance = torch.rand(len(items.image), 1, generator=self.generator)  # (B, 1)
        no_image = (chance < self._recipe.dropped) & (items.has_text > 0)
        no_text = (chance > 1 - self._recipe.dropped) & (items.has_image > 0)
        image, text = (~no_image).float(), (~no_text).float()
        return Items(
            items.image * image, items.text * text, items.has_image * image, items.has_text * text
        )

    def _noisy(self, rows: Tensor, has: Tensor) -> Tensor:
        drawn = torch.randn(rows.shape, generator=self.generator) / rows.shape[1] ** 0.5
        noisy: Tensor = normalize(rows + self._recipe.noise * has * drawn, dim=1)
        return noisy

    def _drawn(self) -> Tensor:
        """The products of a batch, all of one catalog: each as often as the root of its size."""
        shares = torch.tensor([len(places) for places in self._catalogs]).float().sqrt()
        places = self._catalogs[int(torch.multinomial(shares, 1, generator=self.generator))]
        order = torch.randperm(len(places), generator=self.generator)
        drawn: Tensor = places[order[: self._recipe.batch_size]]
        return drawn

    def _fusing(self, module: FusionModule) -> Fuse:
        return lambda items: self._fused(module, items)

    def _fused(self, module: FusionModule, items: Items) -> Tensor:
        rows: Tensor = module(items, torch.full((len(items.image),), 0.5))
        return rows

    def _set_rate(self) -> None:
        share = rate_share(self.step, self._recipe.epochs * self._n_batches)
        for group in self.optimizer.param_groups:
            group["lr"] = group["at_most"] * share

    @property
    def _n_batches(self) -> int:
        return max(len(self._catalogs), len(self._lessons) // self._recipe.batch_size)

    def _groups(self) -> list[dict[str, Any]]:
        """Parameters with their learning rates."""
        rate = self._recipe.learning_rate
        self.module.requires_grad_().train()
        quick = [getattr(self.module, name) for name in self.module.quick]
        others = [w for w in self.module.parameters() if not any(w is one for one in quick)]
        return [
            {"params": [*others, self.sharpness], "at_most": rate},
            {"params": quick, "at_most": _QUICKER * rate},
        ][: 1 + bool(quick)]
