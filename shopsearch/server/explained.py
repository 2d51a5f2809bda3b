"""Why a product was found, in plain words: sentences, and the parts of its score as bars.

The numbers are those of `Why`; nothing is computed here but how long a bar is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shopsearch.domain import Hit, Modality, RuleAction, Sort, Why
from shopsearch.server import wording
from shopsearch.server.locales import gettext, lazy_gettext
from shopsearch.server.search_request import SearchRequest

_SHOWN_FROM = 0.0005  # of a score: what is less is nothing to look at
_PARTS: dict[str, object] = {
    "cosine": lazy_gettext("Meaning and looks"),
    "exact": lazy_gettext("Exactly what was asked for"),
    "understood": lazy_gettext("What your words were taken for"),
    "rules": lazy_gettext("Rules of the shop"),
    "signals": lazy_gettext("Figures of the shop, such as sales"),
    "lowered": lazy_gettext("Words that you do not want"),
    "lexical": lazy_gettext("Your words, in all of its text"),
    "title": lazy_gettext("Your words, in the title"),
    "facts": lazy_gettext("Your words, in brand, colour and the like"),
    "anywhere": lazy_gettext("Your words, with the description"),
    "noun": lazy_gettext("The kind of thing that you named"),
    "category": lazy_gettext("Your words, in the category"),
    "early": lazy_gettext("Your words come early in the title"),
    "short": lazy_gettext("The title says little else"),
    "brand": lazy_gettext("The brand that you named"),
    "number": lazy_gettext("The numbers that you gave"),
    "code": lazy_gettext("The model number that you gave"),
    "unwanted": lazy_gettext("Words that you do not want, in the title"),
    "price": lazy_gettext("A usual price for this"),
    "available": lazy_gettext("It can be had"),
    "popularity": lazy_gettext("It is popular"),
    "image_similarity": lazy_gettext("Your words, in the picture"),
    "text_similarity": lazy_gettext("Your words, in the meaning of its text"),
}
_PLACES: dict[str, object] = {
    "title": lazy_gettext("in its title"),
    "brand": lazy_gettext("in its brand"),
    "category": lazy_gettext("in its category"),
    "facts": lazy_gettext("among its facts"),
    "description": lazy_gettext("in its description"),
}
_OURS = {Modality.IMAGE: lazy_gettext("your picture"), Modality.TEXT: lazy_gettext("your words")}
_ITS = {Modality.IMAGE: lazy_gettext("its picture"), Modality.TEXT: lazy_gettext("its words")}


@dataclass(frozen=True, slots=True)
class Bar:
    """A number as a bar: how long it is beside the longest of its kind."""

    label: str
    number: float
    percent: float  # 0..100
    value: float | None = None  # of a feature, 0..1
    weight: float | None = None

    @property
    def is_against(self) -> bool:
        """Whether it speaks against the product."""
        return self.number < 0.0


@dataclass(frozen=True, slots=True)
class Named:
    """A number, and what it is of."""

    label: str
    number: float


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a hit is one."""

    reasons: tuple[str, ...]
    parts: tuple[Bar, ...]  # of the score, the most telling first
    modalities: tuple[Bar, ...]  # shares of the cosine; none where they are not known
    cosines: tuple[Named, ...]

    @classmethod
    def of(cls, hit: Hit, asked: SearchRequest) -> Explained:
        """In the language of the visitor."""
        why = hit.why
        return cls(
            reasons=tuple(_reasons(hit, asked)),
            parts=() if why is None else _bars(_parts(why)),
            modalities=() if why is None else _bars(_shares(why)),
            cosines=() if why is None else tuple(_cosines(why)),
        )


def strength_text(bar: Bar) -> str:
    """How much a bar says, without a number."""
    if bar.is_against:
        return gettext("speaks against it")
    said = (
        (80.0, gettext("says most")),
        (35.0, gettext("says much")),
        (12.0, gettext("says something")),
    )
    words = (words for least, words in said if bar.percent >= least)
    return next(words, gettext("says a little"))


def _reasons(hit: Hit, asked: SearchRequest) -> Iterator[str]:
    if hit.why is not None:
        for place, words in hit.why.matched.items():
            where = str(_PLACES.get(place) or wording.field_label(place))
            yield gettext("It has %(words)s %(place)s.", words=_quoted(words), place=where)
        if hit.why.score.exact > 0.0:
            yield gettext("It is the very thing that was asked for: those come first.")
        if hit.why.score.unwanted < 0.0:
            yield gettext("It has words that you do not want, so it comes after those without.")
    for part in hit.preferred:
        kind = wording.field_label(part.kind)
        yield gettext("%(field)s as you asked: %(words)s.", field=kind, words=part.text)
    yield from _filters(hit)
    yield from _moved(hit)
    if asked.sort is not Sort.RELEVANCE:
        order = str(wording.ORDERS[asked.sort])
        yield gettext("The order is “%(order)s”: the place does not go by the score.", order=order)
    if hit.why is None:
        yield gettext("Nothing was asked that one product answers better than another.")


def _filters(hit: Hit) -> Iterator[str]:
    passed = {} if hit.why is None else hit.why.passed
    for field, value in passed.items():
        said = wording.number_text(value) if isinstance(value, float) else ", ".join(value)
        yield gettext(
            "It passes your filter: %(field)s is %(value)s.",
            field=wording.field_label(field),
            value=said,
        )


def _moved(hit: Hit) -> Iterator[str]:
    said = {
        RuleAction.PIN: gettext("The shop put it at this place."),
        RuleAction.BOOST: gettext("The shop raised it."),
        RuleAction.BURY: gettext("The shop lowered it."),
    }
    yield from dict.fromkeys(said[effect.action] for effect in hit.rules)
    for effect in hit.signals:
        if effect.factor > 1.0:
            yield gettext("Its “%(signal)s” raised it.", signal=effect.signal)
        elif effect.factor < 1.0:
            yield gettext("Its “%(signal)s” lowered it.", signal=effect.signal)


def _parts(why: Why) -> Iterator[Bar]:
    score = why.score
    yield _bar("cosine", score.cosine)
    for one in score.features:
        yield Bar(str(_PARTS.get(one.name, one.name)), one.part, 0.0, one.value, one.weight)
    yield _bar("exact", score.exact)
    yield _bar("understood", score.understood)
    yield _bar("rules", score.rules)
    yield _bar("signals", score.signals)
    yield _bar("lowered", score.unwanted)


def _bar(name: str, number: float) -> Bar:
    return Bar(str(_PARTS[name]), number, 0.0)


def _shares(why: Why) -> Iterator[Bar]:
    for modality, part in why.modalities.items():
        if part.share is not None:
            yield Bar(wording.capital(str(_ITS[modality])), part.share, 0.0)


def _cosines(why: Why) -> Iterator[Named]:
    yield Named(gettext("What was asked, and the product (cosine)"), why.cosine)
    for modality, part in why.modalities.items():
        if part.alone is not None:
            what = str(_ITS[modality])
            yield Named(gettext("... had it %(what)s alone", what=what), part.alone)
    for one in why.similarities:
        asked, found = str(_OURS[one.asked]), str(_ITS[one.found])
        yield Named(
            wording.capital(gettext("%(asked)s and %(found)s", asked=asked, found=found)),
            one.cosine,
        )


def _bars(parts: Iterable[Bar]) -> tuple[Bar, ...]:
    """Those that can be seen, the longest first."""
    shown = [part for part in parts if abs(part.number) >= _SHOWN_FROM]
    longest = max((abs(part.number) for part in shown), default=1.0)
    ordered = sorted(shown, key=lambda part: -abs(part.number))
    return tuple(
        Bar(one.label, one.number, 100.0 * abs(one.number) / longest, one.value, one.weight)
        for one in ordered
    )


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(gettext("“%(words)s”", words=word) for word in words)
