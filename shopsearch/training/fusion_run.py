"""`shopsearch train fusion`: lessons in, weights with their curves and their card out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from shopsearch.errors import TrainingError
from shopsearch.fusion.learned import save_module
from shopsearch.fusion.methods import METHODS, new_module
from shopsearch.fusion.module import FusionModule, Sizes
from shopsearch.training.fusion_curves import FusionEpoch, draw_fusion_curves, event_writer
from shopsearch.training.fusion_guessing import with_guesses
from shopsearch.training.fusion_judged import Judged
from shopsearch.training.fusion_learning import FusionCourse, FusionRecipe, Objective
from shopsearch.training.fusion_lessons import FusionLessons, check_lessons
from shopsearch.training.fusion_measure import Cell, measure_module, measured
from shopsearch.training.fusion_model_card import FusionRun, write_fusion_card
from shopsearch.training.fusion_reading import ReadCatalogs
from shopsearch.training.fusion_split import Split
from shopsearch.training.fusion_state import FusionState, Progress

_BETTER_BY = 1e-4  # less is noise


@dataclass(frozen=True, slots=True)
class FusionFiles:
    """Where a run writes: the weights, and beside them curves, card and the state of the run."""

    weights: Path

    @property
    def curves(self) -> Path:
        """Loss and nDCG by epoch, PNG."""
        return self.weights.with_suffix(".png")

    @property
    def card(self) -> Path:
        """The model card, Markdown."""
        return self.weights.with_suffix(".md")

    @property
    def state(self) -> Path:
        """The run after its last epoch; gone when it is over."""
        return self.weights.with_suffix(".state")

    @property
    def events(self) -> Path:
        """TensorBoard events, where tensorboard is installed."""
        return self.weights.with_suffix(".events")


@dataclass(frozen=True, slots=True)
class FusionReport:
    """What a run came to."""

    files: FusionFiles
    method: str
    n_products: int
    n_held_out: int
    n_rejected: int
    n_guessed: int
    epochs: Sequence[FusionEpoch]
    best_epoch: int
    ndcg_at_10: float | None  # of the best epoch, held out to know when to stop
    test: Sequence[Cell]  # of the products that were looked at once
    interrupted: bool
    seconds: float


def train_fusion(
    read: ReadCatalogs,
    catalogs: Sequence[Path],
    files: FusionFiles,
    recipe: FusionRecipe,
    *,
    method: str,
    encoder_id: str,
    sizes: Sizes | None = None,
    judged: Judged | None = None,
    resume: bool = False,
    watch: Callable[[FusionEpoch], None],
) -> FusionReport:
    """Train a method, and write its weights, curves and card.

    Weights are written when the run is over, whole or not at all. Ctrl-C ends it early and keeps
    the best so far. Raises `TrainingError`.
    """
    started = time.monotonic()
    lessons, held_out = _parts(read, catalogs)
    lessons, n_guessed = (
        with_guesses(lessons) if recipe.objective is Objective.SEMI else (lessons, 0)
    )
    torch.manual_seed(recipe.seed)
    module = new_module(method, lessons.images.shape[1], sizes)
    state = FusionState(
        files.state, recipe, f"{method} {encoder_id} {len(lessons)} {len(held_out)}"
    )
    learned = learn(
        module,
        lessons,
        recipe,
        state,
        measure=_measure(held_out),
        watch=watch,
        judged=judged,
        resume=resume,
    )
    save_module(module, encoder_id, files.weights)
    state.drop()
    draw_fusion_curves(learned.epochs, files.curves)
    test = read.part(Split.TEST)
    report = FusionReport(
        files=files,
        method=method,
        n_products=len(lessons),
        n_held_out=len(held_out),
        n_rejected=read.n_rejected,
        n_guessed=n_guessed,
        epochs=learned.epochs,
        best_epoch=learned.best_epoch,
        ndcg_at_10=learned.best,
        test=measure_module(module, test) if len(test) else [],
        interrupted=learned.interrupted,
        seconds=time.monotonic() - started,
    )
    counts = Counter(read.catalogs[n] for n in read.places(Split.TRAIN).tolist())
    named = [(path, counts[number]) for number, path in enumerate(catalogs)]
    write_fusion_card(
        FusionRun(report=report, recipe=recipe, encoder_id=encoder_id, catalogs=named)
    )
    return report


@dataclass(frozen=True, slots=True)
class FusionLearned:
    """What a run came to; the module given to it holds the weights of `best_epoch`."""

    epochs: Sequence[FusionEpoch]
    best_epoch: int  # 0 where the untrained baseline was never beaten
    best: float | None
    interrupted: bool


def learn(
    module: FusionModule,
    lessons: FusionLessons,
    recipe: FusionRecipe,
    state: FusionState,
    *,
    measure: Callable[[FusionModule], float | None],
    watch: Callable[[FusionEpoch], None],
    judged: Judged | None = None,
    resume: bool = False,
) -> FusionLearned:
    """Teach a module; it ends up with the best weights by `measure`, the last where that is None.

    Ctrl-C ends the run early and keeps the best so far; before the first epoch is done it is passed
    on. The same recipe and lessons give the same weights on the same machine.
    """
    course = FusionCourse(module, lessons, recipe, judged)
    write_events = event_writer(state.events)
    progress = state.take_up(course) if resume else _beginning(module, measure)
    interrupted = False
    try:
        for number in range(len(progress.epochs), recipe.epochs + 1):
            if number - progress.best_epoch > recipe.patience:
                break
            epoch = course.run_epoch(number, measure)
            progress = _after(progress, epoch, course)
            state.keep(course, progress)
            write_events(epoch)
            watch(epoch)
    except KeyboardInterrupt:
        if len(progress.epochs) < 2:  # the baseline alone
            raise
        interrupted = True
    except FloatingPointError as error:
        raise TrainingError(f"{error}; try a smaller --rate, or another --seed") from error
    module.load_state_dict(dict(progress.best_state))
    module.eval().requires_grad_(False)
    best = progress.best if progress.epochs[0].ndcg_at_10 is not None else None
    return FusionLearned(progress.epochs, progress.best_epoch, best, interrupted)


def _beginning(module: FusionModule, measure: Callable[[FusionModule], float | None]) -> Progress:
    """The baseline is epoch 0: what is learned has to beat it."""
    started = time.monotonic()
    figure = measure(module)
    epoch = FusionEpoch(0, None, figure, time.monotonic() - started)
    return Progress([epoch], 0, -1.0 if figure is None else figure, _copied(module))


def _after(progress: Progress, epoch: FusionEpoch, course: FusionCourse) -> Progress:
    epochs = [*progress.epochs, epoch]
    figure = epoch.ndcg_at_10
    if figure is not None and figure < progress.best + _BETTER_BY:
        return Progress(epochs, progress.best_epoch, progress.best, progress.best_state)
    best = -1.0 if figure is None else figure
    return Progress(epochs, epoch.number, best, _copied(course.average.model))


def _copied(module: FusionModule) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in module.state_dict().items()}


def _measure(held_out: FusionLessons) -> Callable[[FusionModule], float | None]:
    def measure(module: FusionModule) -> float | None:
        return measured(module, held_out) if len(held_out) else None

    return measure


def _parts(read: ReadCatalogs, catalogs: Sequence[Path]) -> tuple[FusionLessons, FusionLessons]:
    names = ", ".join(str(catalog) for catalog in catalogs)
    lessons = read.part(Split.TRAIN)
    check_lessons(lessons, names)
    return lessons, read.part(Split.VAL)


def known_methods() -> list[str]:
    """The methods that can be trained."""
    return list(METHODS)
