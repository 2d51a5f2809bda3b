"""Why each hit is one, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from shopsearch.domain import (
    Hit,
    Modality,
    ModalityPart,
    RuleAction,
    RuleEffect,
    ScoreParts,
    SignalEffect,
    Why,
)

_SHOWN = {Modality.IMAGE: "picture", Modality.TEXT: "words"}
_LEAST_SHOWN = 0.0005  # what would be shown as 0.000 is left out


def why_table(hits: Sequence[Hit]) -> Table:
    """A few rows for each hit; every hit has its `why`, rules or signals."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", style="dim")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for hit in hits:
        for n, (name, told) in enumerate(_rows(hit)):
            table.add_row("" if n else str(hit.rank), name, told)
        table.add_row()
    return table


def _rows(hit: Hit) -> Iterator[tuple[str, Text]]:
    why = hit.why
    yield "found", Text(hit.product.title or hit.product.product_id, style="bold")
    if hit.rules:
        yield "rules", Text("; ".join(map(effect_text, hit.rules)))
    if hit.signals:
        yield "signals", Text(signals_text(hit.signals))
    if hit.preferred:
        yield "wished", Text("; ".join(f"{part.kind} {part.text}" for part in hit.preferred))
    if why is None:
        return
    yield "score", Text(f"{hit.score:.3f} = {_sum(why.score)}")
    yield "cosine", Text(f"{why.cosine:.3f}{_shares(why)}")
    if why.similarities:
        yield "alike", Text(_alike(why))
    if why.matched:
        yield "matched", Text(_matched(why))
    if why.passed:
        yield "filters", Text(_passed(why))


def effect_text(effect: RuleEffect) -> str:
    """What a rule did to a hit, as people write it."""
    if effect.action is RuleAction.PIN:
        return f"pinned to {effect.by:g} by {effect.rule}"
    done = "boosted" if effect.action is RuleAction.BOOST else "buried"
    return f"{done} \N{MULTIPLICATION SIGN}{effect.by:g} by {effect.rule}"


def signals_text(effects: Sequence[SignalEffect]) -> str:
    """What signals did to a hit, as people write it."""
    return "; ".join(map(_signal_text, effects))


def _signal_text(effect: SignalEffect) -> str:
    known = "not known" if effect.value is None else f"{effect.value:.2f}"
    return f"{effect.signal} {known} \N{MULTIPLICATION SIGN}{effect.factor:.2f}"


def _sum(score: ScoreParts) -> str:
    """The parts of a score, the largest features first; those that gave nothing are left out."""
    features = sorted(score.features, key=lambda one: -abs(one.part))
    named = [("cosine", score.cosine), *((one.name, one.part) for one in features)]
    if score.rules:
        named.append(("rules", score.rules))
    if score.signals:
        named.append(("signals", score.signals))
    if score.understood:
        named.append(("understood", score.understood))
    if score.exact:
        named.append(("exact match", score.exact))
    if score.unwanted:
        named.append(("unwanted words", score.unwanted))
    return _added([f"{name} {part:.3f}" for name, part in named if abs(part) >= _LEAST_SHOWN])


def _shares(why: Why) -> str:
    parts = [f"{_SHOWN[modality]} {_share(part)}" for modality, part in why.modalities.items()]
    if all(part.share is not None for part in why.modalities.values()):
        return f" = {_added(parts)}"
    return f"; {', '.join(parts)}"


def _share(part: ModalityPart) -> str:
    if part.alone is None:
        return "unknown"
    alone = f"alone {part.alone:.3f}"
    return alone if part.share is None else f"{part.share:.3f} ({alone})"


def _added(parts: Sequence[str]) -> str:
    """`a 0.2 + b -0.1` as people write it: `a 0.2 - b 0.1`."""
    first, *others = parts or ["0"]
    signed = (f" - {one.replace(' -', ' ', 1)}" if " -" in one else f" + {one}" for one in others)
    return "".join((first, *signed))


def _alike(why: Why) -> str:
    return ", ".join(
        f"{_SHOWN[one.asked]} to {_SHOWN[one.found]} {one.cosine:.3f}"  # the query's come first
        for one in why.similarities
    )


def _passed(why: Why) -> str:
    """What the product has in the fields that were filtered by; of a category, the lowest level."""
    had = {k: f"{v:g}" if isinstance(v, float) else v[-1] for k, v in why.passed.items()}
    return "; ".join(f"{field}: {value}" for field, value in had.items())


def _matched(why: Why) -> str:
    return "; ".join(f"{field}: {', '.join(words)}" for field, words in why.matched.items())
