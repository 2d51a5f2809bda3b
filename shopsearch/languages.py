"""The languages that products and queries may be in: the endings of their words, and the small
words that name no thing.

Words are folded first (lower case, no accents) and stemmed then, so that accents never count. The
stemmers of all languages but English are those of Snowball (Porter, 2001; snowballstem.org).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from threading import local

NAMES = (
    *("english", "danish", "dutch", "finnish", "french", "german", "hungarian", "italian"),
    *("norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "turkish", "none"),
)

_ACCENTS = re.compile("[\N{COMBINING GRAVE ACCENT}-\N{COMBINING LATIN SMALL LETTER X}]+")
_TOKEN = re.compile(r"[^\W_]+")  # as both databases take words apart


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """What the search knows of a language. There is one object for each: see `language_of`."""

    name: str
    stem: Callable[[str], str]  # of a folded word; no stem of a stem: `camisa`, `camis`, `cam`
    function_words: frozenset[str] = frozenset()  # folded, as they stand and stemmed; also below
    # what follows them says more about the thing, but does not name it
    after_the_noun: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()  # what follows them is not wanted
    noun_comes_first: bool = False
    letters: str = ""  # with marks that are no accents: folding keeps them
    other_numbers: Mapping[str, str] = field(default_factory=dict)  # that no ending tells

    def fold(self, text: str) -> str:
        """Lower case, without accents, and without the apostrophe of `women's`."""
        text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}s", "s").replace("'s", "s")
        if text.isascii():
            return text
        if not self.letters:
            return without_accents(text)
        parts = re.split(f"([{self.letters}])", unicodedata.normalize("NFKC", text))
        return "".join(p if p in self.letters else without_accents(p) for p in parts)

    def stemmed(self, text: str) -> str:
        """The text folded, and its words of letters by their stems; all else stays in its place."""
        return _TOKEN.sub(lambda token: self._stem_of(token[0]), self.fold(text))

    def _stem_of(self, token: str) -> str:
        return self.stem(token) if token.isalpha() else token


def without_accents(text: str) -> str:
    """A text in lower case without its accents; what else is composed, such as Korean syllables and
    Japanese kana, stays so.
    """
    apart = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", apart)


# numbers that no ending tells, by the one that catalogs use less: "women" comes from "women's" too
_IRREGULAR = dict(
    [
        *(("woman", "women"), ("man", "men"), ("child", "children"), ("feet", "foot")),
        *(("teeth", "tooth"), ("knives", "knife"), ("shelves", "shelf"), ("scarves", "scarf")),
        *(("leaves", "leaf"), ("loaves", "loaf"), ("halves", "half"), ("mice", "mouse")),
        *(("hoodies", "hoodie"), ("beanies", "beanie"), ("onesies", "onesie")),
        *(("cookies", "cookie"), ("brownies", "brownie"), ("smoothies", "smoothie")),
        *(("movies", "movie"), ("selfies", "selfie"), ("birdies", "birdie")),
    ]
)


@lru_cache(maxsize=50_000)
def _singular(word: str) -> str:
    """After the S stemmer of Harman (How effective is suffixing?, 1991), and a few by heart."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not word.endswith("s") or len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes", "zes")) else word[:-1]


_AFTER_THE_NOUN = frozenset(("for", "from", "in", "of", "on", "that", "to", "w", "with", "without"))

ENGLISH = Language(
    name="english",
    stem=_singular,
    function_words=_AFTER_THE_NOUN
    | frozenset(
        [
            *("a", "an", "and", "are", "as", "at", "be", "by", "into", "is", "it"),
            *("my", "not", "or", "t", "the", "this", "was", "your"),
        ]
    ),
    after_the_noun=_AFTER_THE_NOUN,
    without=frozenset(("without",)),
    other_numbers=_IRREGULAR | {usual: other for other, usual in _IRREGULAR.items()},
)


@dataclass(frozen=True, slots=True)
class _SmallWords:
    """The small words of a language, written with spaces between; those of `after` follow a noun
    and are function words too, and so are those of `without`.
    """

    others: str  # articles, conjunctions, pronouns, forms of "to be"
    after: str
    without: str


_SMALL_WORDS = {
    "german": _SmallWords(
        "der die das den dem des ein eine einen einem einer eines und oder als am an auch auf bei "
        "beim ich ihr im ist mein meine nicht sein sind so sowie zum zur",
        "aus fur für in mit ohne um unter uber über vom von zu",
        "ohne",
    ),
    "dutch": _SmallWords(
        "de het een en of aan als bij dat deze die dit er is mijn niet ook te uw zijn",
        "in met om op tot tussen uit van voor zonder",
        "zonder",
    ),
    "french": _SmallWords(
        "le la les l un une des du d et ou a à au aux ce cette ces est il je j ma mon mes n ne pas "
        "plus qu que qui s sa se ses son sont sur votre vos y",
        "avec chez contre dans de en entre par pour sans sous vers",
        "sans",
    ),
    "spanish": _SmallWords(
        "el la los las lo un una unos unas y e o u a al como del es esta este mi mis no que se su "
        "sus son tu",
        "con contra de desde en entre hacia para por sin sobre",
        "sin",
    ),
    "italian": _SmallWords(
        "il lo la i gli le l un uno una e ed o a ad ai al alla alle allo anche che come d dei del "
        "della delle degli dello dell è mio mia nei nel nella non si sono sua suo sul sulla",
        "con da dal dalla di in per senza su tra fra",
        "senza",
    ),
    "portuguese": _SmallWords(
        "o a os as um uma uns umas e ou ao à aos às como da das do dos é meu minha na nas no nos "
        "não que se seu sua são",
        "até com contra de em entre para por sem sob sobre",
        "sem",
    ),
}
_NOUN_FIRST = frozenset(("french", "italian", "portuguese", "romanian", "spanish"))
_LETTERS = {"russian": "\N{CYRILLIC SMALL LETTER SHORT I}"}  # its mark is no accent


@cache
def language_of(name: str) -> Language:
    """The language of one of `NAMES`; always the same object."""
    if name == ENGLISH.name:
        return ENGLISH
    stem = _unchanged if name == "none" else _snowball(name)
    small = _SMALL_WORDS.get(name, _SmallWords("", "", ""))

    def words(*texts: str) -> frozenset[str]:
        folded = [ENGLISH.fold(word) for text in texts for word in text.split()]
        return frozenset((*folded, *map(stem, folded)))

    return Language(
        name=name,
        stem=stem,
        function_words=words(small.others, small.after, small.without),
        after_the_noun=words(small.after, small.without),
        without=words(small.without),
        noun_comes_first=name in _NOUN_FIRST,
        letters=_LETTERS.get(name, ""),
    )


def in_another_language(written: str, language: Language) -> str:
    """The end of a sentence that says so of words, with what to do."""
    shown = "no language" if written == "none" else written
    return (
        f"kept in {shown}, but SHOPSEARCH_LANGUAGE says {language.name}: run `shopsearch reindex`, "
        f"which writes them anew, or set SHOPSEARCH_LANGUAGE={written}"
    )


def _unchanged(word: str) -> str:
    return word


def _snowball(name: str) -> Callable[[str], str]:
    """A stemmer that threads may share: one of Snowball keeps the word at hand in itself."""
    import snowballstemmer

    own = local()

    @lru_cache(maxsize=100_000)
    def stem(word: str) -> str:
        if not hasattr(own, "stemmer"):
            own.stemmer = snowballstemmer.stemmer(name)
        return str(own.stemmer.stemWord(word))

    return stem
