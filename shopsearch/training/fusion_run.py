"""`shopsearch train fusion`: lessons in, weights with their curves and their card out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from shopsearch.errors import TrainingError
from shopsearch.fusion.learned import save_module
from shopsearch.fusion.methods import METHODS, new_module
from shopsearch.fusion.module import FusionModule, Sizes
from shopsearch.training.effort import Stopwatch
from shopsearch.training.fusion_curves import FusionEpoch, draw_fusion_curves, event_writer
from shopsearch.training.fusion_guessing import with_guesses
from shopsearch.training.fusion_judged import Judged
from shopsearch.training.fusion_landmarks import landmarks_of
from shopsearch.training.fusion_learning import FusionCourse, FusionRecipe, Objective
from shopsearch.training.fusion_lessons import FusionLessons, check_lessons
from shopsearch.training.fusion_measure import Cell, measure_module, measured
from shopsearch.training.fusion_model_card import FusionRun, write_fusion_card
from shopsearch.training.fusion_reading import ReadCatalogs
from shopsearch.training.fusion_split import Split
from shopsearch.training.fusion_state import FusionState, Progress
from shopsearch.training.run_report import RunFiles, RunReport
from shopsearch.training.seeding import seeded

_BETTER_BY = 1e-4  # less is noise


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionReport(RunReport):
    """What a run came to."""

    method: str
    n_products: int
    n_held_out: int
    n_rejected: int
    n_guessed: int
    ndcg_at_10: float | None  # of the best epoch, held out to know when to stop
    test: Sequence[Cell]  # of the products that were looked at once

    def figures(self) -> dict[str, Any]:
        """See `RunReport.figures`."""
        return {
            "method": self.method,
            "products": self.n_products,
            "held_out": self.n_held_out,
            "rejected": self.n_rejected,
            "guessed": self.n_guessed,
            "ndcg@10": self.ndcg_at_10,
            "test": [{**asdict(cell), "way": cell.way.value} for cell in self.test],
        }


def train_fusion(
    read: ReadCatalogs,
    catalogs: Sequence[Path],
    weights: Path,
    recipe: FusionRecipe,
    *,
    method: str,
    encoder_id: str,
    sizes: Sizes | None = None,
    judged: Judged | None = None,
    resume: bool = False,
    stopwatch: Stopwatch,
    watch: Callable[[FusionEpoch], None],
) -> FusionReport:
    """Train a method, and write its weights, curves and card.

    Weights are written when the run is over, whole or not at all. Ctrl-C ends it early and keeps
    the best so far. Raises `TrainingError`.
    """
    files = RunFiles(weights)
    lessons, held_out = _parts(read, catalogs)
    lessons, n_guessed = (
        with_guesses(lessons) if recipe.objective is Objective.SEMI else (lessons, 0)
    )
    with seeded(recipe.seed):
        module = _untrained(method, lessons, sizes or Sizes(), recipe.seed)
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
    seen_once = read.part(Split.TEST)
    test = measure_module(module, seen_once) if len(seen_once) else []
    report = FusionReport(
        files=files,
        epochs=learned.epochs,
        best_epoch=learned.best_epoch,
        interrupted=learned.interrupted,
        effort=stopwatch.effort(),
        method=method,
        n_products=len(lessons),
        n_held_out=len(held_out),
        n_rejected=read.n_rejected,
        n_guessed=n_guessed,
        ndcg_at_10=learned.best,
        test=test,
    )
    sources = _sources(read, catalogs)
    write_fusion_card(
        FusionRun(report=report, recipe=recipe, encoder_id=encoder_id, catalogs=sources)
    )
    return report


def _sources(read: ReadCatalogs, catalogs: Sequence[Path]) -> list[tuple[Path, int]]:
    """The catalogs, and how many products of each taught."""
    counts = Counter(read.catalogs[n] for n in read.places(Split.TRAIN).tolist())
    return [(path, counts[number]) for number, path in enumerate(catalogs)]


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
    progress = state.take_up(course) if resume else _beginning(module, measure)
    interrupted = False
    try:
        with event_writer(state.events) as write_events:
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


def _untrained(method: str, lessons: FusionLessons, sizes: Sizes, seed: int) -> FusionModule:
    """A module that knows what it will be at home with, and no more."""
    images, texts = landmarks_of(lessons, seed)
    sizes = replace(sizes, image_landmarks=len(images), text_landmarks=len(texts))
    module = new_module(method, lessons.images.shape[1], sizes)
    module.familiarity.image_landmarks.copy_(images)
    module.familiarity.text_landmarks.copy_(texts)
    return module


def known_methods() -> list[str]:
    """The methods that can be trained."""
    return list(METHODS)
