"""The words of English that say what to do with the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shopsearch.domain import Sort


def _cue(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_AGAIN = r"(?:\s+(?:again|please|now))*"
UNDO: Final = _cue(
    r"(?:undo|go (?:one )?(?:step )?back|(?:one )?step back|back|revert|never ?mind"
    r"|take (?:that|it) back|(?:undo|revert|cancel|scratch|forget)(?: that| it| this)"
    r"|undo (?:the )?(?:last|previous)(?: one| step| change| turn)?|i (?:changed|change) my mind"
    r"|(?:back to )?(?:the )?(?:previous|last) (?:search|results?|one)|(?:as )?(?:it was )?before)"
    + _AGAIN
)
START_OVER: Final = _cue(
    r"(?:(?:let'?s )?start (?:over|again|anew|afresh|from scratch)|(?:a )?new search|begin again"
    r"|(?:reset|clear|forget|remove|delete)(?: everything| all| it all| the search| all of it)?"
    r"|from (?:scratch|the (?:start|beginning)))" + _AGAIN
)
EVERYTHING: Final = _cue(
    r"(?:(?:show|see|display|give)(?: me)? (?:everything|all|them all|all of (?:it|them)"
    r"|all (?:the )?"
    r"(?:products?|results?|ones))|everything|(?:clear|remove|drop|forget|reset|delete|lose|undo)"
    r"(?: all)?(?: of)?(?: the| my| these)? (?:filters?|refinements?|limits?|restrictions?"
    r"|conditions?)"
    r"|(?:no|without(?: any)?) (?:filters?|restrictions?|limits?))" + _AGAIN
)

POLITE: Final = _cue(
    r"^(?:(?:please|ok(?:ay)?|so|now|well|hm+|maybe|perhaps|actually|oh|yes|yeah|no,|sorry"
    r"|great|nice"
    r"|thanks|thank you|hi|hello|hey|good|fine|cool|all right|alright|and|but|or|then|also|plus)"
    r"(?:[\s,]+|$))+"
)
TRAILING: Final = _cue(
    r"(?:[\s,]+(?:please|thanks|thank you|now|then|though|maybe|perhaps|if possible|ideally"
    r"|for me))+$"
)
ASKING: Final = _cue(  # opens a wish, and says nothing of what is wished for
    r"^(?:(?:could|can|would|may) (?:you|i|we) (?:please )?(?:see|have|get|show(?: me)?"
    r"|find(?: me)?"
    r"|make (?:it|them))|i(?:'d| would) (?:like|love|prefer|rather have)(?: to see| to have)?"
    r"|i(?:'m| am)? (?:want|need|prefer|looking for)(?: to see)?|let(?:'s| me|s) (?:see|have|try)"
    r"|do you have(?: any)?|have you got(?: any)?|got any|are there(?: any)?|is there(?: an?y?)?"
    r"|(?:what|how) about|make (?:it|them|that)|(?:show|give|find|get|bring)(?: me)?"
    r"|display|see|try|it (?:should|must) be|(?:they|these) (?:should|must) be|should be|must be"
    r"|with(?: only)? (?:ones|things) that are|limit (?:it )?to|only show(?: me)?"
    r"|show(?: me)? only"
    r"|filter (?:by|for)|i (?:like|love|prefer))\s+"
)
NEW_THING: Final = _cue(  # what follows is searched for instead, where it names a thing
    r"^(?:(?:i(?:'m| am) )?(?:looking|searching) for|(?:i(?:'d| would) like to )?(?:search"
    r"|look) for|search"
    r"|find(?: me)?|show(?: me)?|let(?:'s|s) (?:see|look at|look for|find)|switch to"
    r"|change to|what about"
    r"|how about|i (?:want|need)|i(?:'d| would) (?:like|prefer)(?: to see)?|do you have(?: any)?"
    r"|have you got(?: any)?|go to|give me|i(?:'d| would) rather have)\s+"
)
INSTEAD: Final = _cue(r"\s*\b(?:instead|rather|in (?:its|their) place)(?!\s+of\b)\s*$")
IN_PLACE_OF: Final = _cue(
    r"^(?P<new>.+?)\s+(?:instead of|rather than|in place of|not)\s+(?P<old>.+)$"
)
ALL_BUT: Final = _cue(r"\b(?:everything|anything|all)(?: else)? but\b")
TOO: Final = _cue(r"\s*\b(?:too|as well|also|is (?:fine|ok|okay) too)\s*$")
ONES: Final = _cue(r"\s*\b(?:ones?|things?|products?|items?|stuff|options?|results?|pieces?)\s*$")
SOMETHING: Final = _cue(
    r"^(?:something|anything|any|some|ones?|things?|it|them|only|just|all|the|a|an)\s+"
)

LIKE: Final = _cue(
    r"^(?:(?:show|find|give)(?: me)? )?(?P<how>(?:much )?more|some more|others?|things?"
    r"|something|ones?"
    r"|(?:a (?:bit|little) )?less|not|nothing|unlike|exactly|just|products?)?\s*(?:ones? "
    r"|things? |products? )?"
    r"(?:like|similar to|resembling|in the style of|close to)\s+(?P<what>.+)$"
)
LIKING: Final = _cue(
    r"^i (?:really |quite |also |don'?t |do not )*(?:like|love|prefer|want|fancy|hate"
    r"|dislike)\s+(?P<what>.+)$"
)
PLEASED: Final = _cue(
    r"^(?P<what>.+?)\s+(?:is|are|looks?)\s+(?:really |very |quite )?(?:nice|good|great"
    r"|perfect|lovely|pretty"
    r"|beautiful|better|best|what i (?:want|like)|it)$"
)
DISLIKING: Final = _cue(r"\b(?:don'?t|do not|hate|dislike)\b")

NOT: Final = _cue(
    r"^(?P<how>(?:and |but )?(?:not|no|non|without(?: any)?|w/o|nothing|none"
    r"|except(?: for)?|exclud(?:e|ing)|minus"
    r"|hide|avoid|skip|leave out|other than|anything but|everything but|all but|no more"
    r"|i (?:don'?t|do not) (?:want|like|need)(?: any)?|(?:do not|don'?t) (?:show|want|like"
    r"|include)(?: me)?(?: any)?"
    r"|i (?:hate|dislike)|(?:it |they )?(?:should(?:n'?t| not)|must(?:n'?t| not)) (?:be|have)"
    r"|(?:is|are)n'?t|(?:is|are) not|not (?:in|from|by|made (?:of|from|by)|with|for)))"
    r"(?:[\s-]+(?:in|from|by|made (?:of|from|by)|with|of|for|the|an?|any|anything"
    r"|so much))*[\s-]+(?P<what>.+)$"
)
FORGET: Final = _cue(
    r"^(?:forget(?: about)?|drop|remove|clear|ignore|delete|lose|reset|take away|take off"
    r"|get rid of"
    r"|stop (?:filtering|sorting) by|without the|no more|never ?mind|cancel|undo)\s+(?:the "
    r"|my |that |this |any )*(?P<what>.+)$"
)
ANY: Final = _cue(
    r"^(?:(?:in |of |by |from |at |for )?(?:any|every|all|whatever|whichever)\s+(?P<one>.+?)"
    r"(?:\s+(?:is|are) (?:fine|ok|okay|good|all right)|\s+(?:will|would) do|\s+goes)?"
    r"|(?:i (?:don'?t|do not) (?:care|mind) (?:about )?)(?:the |which |what )*(?P<two>.+)"
    r"|(?:the )?(?P<three>.+?)\s+(?:(?:does|do)(?:n'?t| not) matter|(?:is|are) (?:not "
    r"|un)important|is irrelevant))$"
)
FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("price", "prices", "budget", "cost", "price limit", "price limits"), "price"),
    **dict.fromkeys(("brand", "brands", "maker", "make", "label"), "brand"),
    **dict.fromkeys(("color", "colors", "colour", "colours"), "color"),
    **dict.fromkeys(("size", "sizes"), "size"),
    **dict.fromkeys(("material", "materials", "fabric", "fabrics"), "material"),
    **dict.fromkeys(("gender", "genders", "sex"), "gender"),
    **dict.fromkeys(
        ("category", "categories", "type", "types", "kind", "department"), "product_type"
    ),
    **dict.fromkeys(("availability", "stock", "in stock"), "availability"),
}
SORT_NAMES: Final = frozenset(("sort", "sorting", "order", "ordering", "sort order"))
WISH_NAMES: Final = frozenset(("wishes", "wish", "likes", "examples", "example", "preferences"))
UNWANTED_NAMES: Final = frozenset(("exclusions", "exclusion", "unwanted", "not"))

_SORTED = (
    r"(?:(?:please )?(?:sort|order|rank|arrange)(?:ed)?(?:\s+(?:it|them|these|those|by|with"
    r"|from|the))*\s+)?"
)
_FIRST = (
    r"(?:\s+(?:ones?|products?|items?|results?|arrivals?))?(?:\s+(?:(?:come"
    r"|go)(?:es)? )?(?:first|on top|at the top))?"
)
SORTS: Final[tuple[tuple[Sort, re.Pattern[str]], ...]] = tuple(
    (order, _cue(rf"^{_SORTED}(?:the\s+)?(?:{words}){_FIRST}$"))
    for order, words in (
        (
            Sort.NEWEST,
            r"newest|latest|most recent|newer|new(?= arrival| first)|newest to oldest|what'?s new"
            r"|(?<=by )(?:date|new|age)|recent(?= first)",
        ),
        (
            Sort.PRICE_ASC,
            r"cheapest|least expensive|lowest prices?|(?:price )?(?:low(?:est)? to high(?:est)?"
            r"|ascending|low(?:est)? first)|cheap(?= first)|(?<=by )prices?(?: up)?"
            r"|cheapest to (?:most expensive|dearest)",
        ),
        (
            Sort.PRICE_DESC,
            r"most expensive|dearest|priciest|highest prices?"
            r"|(?:price )?(?:high(?:est)? to low(?:est)?"
            r"|descending|high(?:est)? first)|expensive(?= first)",
        ),
        (
            Sort.POPULARITY,
            r"(?:the )?most popular|popular|popularity|best ?-?sell(?:ers?|ing)"
            r"|what others (?:buy|like)"
            r"|most (?:bought|sold)|trending",
        ),
        (Sort.RELEVANCE, r"best match(?:es)?|most relevant|relevance|best fitting"),
    )
)
SORTING: Final = _cue(
    r"^(?:please )?(?:sort|order|rank|arrange)(?:ed)?(?:\s+(?:it|them|these"
    r"|those))?(?:\s+by)?\s+(?P<what>.+)$"
)

_MUCH = (
    r"(?P<much>(?:a (?:little )?(?:bit|little|tad|touch)|slightly|somewhat)|(?:much|a lot"
    r"|lots|way|far|even))?\s*"
)
WISH: Final = _cue(rf"^{_MUCH}(?P<way>more|less)\s+(?:of\s+)?(?:the\s+)?(?P<what>.+)$")
TOO_MUCH: Final = _cue(
    r"^(?:(?:it'?s|it is|they'?re|they are|that'?s|that is|these are|this is|those are)\s+)?"
    r"(?:(?:a (?:bit|little)|much|way|far)\s+)?(?:not (?:so|too|as|that|very)|too"
    r"|not (?:so |too )?)"
    r"\s+(?P<what>[^\W\d_]+(?:\s+looking)?)$"
)
COMPARATIVE: Final = _cue(rf"^{_MUCH}(?P<what>[^\W\d_]+er)$")
SLIGHTLY: Final = _cue(r"a (?:little )?(?:bit|little|tad|touch)|slightly|somewhat")
_DEGREES = (
    "big large small long short wide thick thin warm cool light dark soft hard strong heavy "
    "simple "
    "plain bright tight loose tall deep high low smart slim rough smooth fancy pretty comfy "
    "cosy cozy dressy "
    "sporty casual quiet neat clean sturdy fresh calm bold narrow young old tough elegant "
    "shiny roomy"
)
ADJECTIVES: Final[Mapping[str, str]] = {
    form: adjective
    for adjective in _DEGREES.split()
    for form in (
        f"{adjective}er",
        f"{adjective}r" if adjective.endswith("e") else "",
        f"{adjective[:-1]}ier" if adjective.endswith("y") else "",
        f"{adjective}{adjective[-1]}er",
    )
    if form
}
SAYS_NOTHING: Final = frozenset(
    [
        *(
            "please",
            "thanks",
            "thank",
            "you",
            "ok",
            "okay",
            "yes",
            "no",
            "hi",
            "hello",
            "hey",
            "hm",
        ),
        *(
            "one",
            "ones",
            "thing",
            "things",
            "something",
            "anything",
            "more",
            "less",
            "other",
            "others",
        ),
        *(
            "product",
            "products",
            "item",
            "items",
            "it",
            "that",
            "this",
            "them",
            "these",
            "those",
            "too",
        ),
        *(
            "show",
            "me",
            "see",
            "find",
            "give",
            "i",
            "want",
            "need",
            "like",
            "would",
            "could",
            "can",
        ),
        *(
            "either",
            "both",
            "some",
            "any",
            "all",
            "just",
            "only",
            "also",
            "now",
            "then",
            "so",
            "very",
            "really",
            "quite",
        ),
        *(
            "is",
            "are",
            "be",
            "do",
            "does",
            "have",
            "has",
            "what",
            "which",
            "how",
            "why",
            "who",
            "there",
        ),
        *(
            "good",
            "nice",
            "great",
            "cool",
            "fine",
            "sure",
            "well",
            "instead",
            "rather",
            "again",
            "still",
        ),
        *(
            "with",
            "without",
            "in",
            "of",
            "for",
            "from",
            "by",
            "made",
            "not",
            "than",
            "as",
            "at",
            "on",
        ),
        *("the", "a", "an", "and", "or", "but", "to", "my", "your", "us", "we", "they", "if", "up"),
    ]
)
SINGULAR_ONE: Final = _cue(r"\b(?:one|product|item)$")
OFTEN_MISSPELT: Final = frozenset(
    [
        *("cheaper", "cheapest", "expensive", "newest", "popular", "without", "instead", "undo"),
        *("similar", "sort", "first", "second", "third", "fourth", "fifth", "last", "color"),
        *("colour", "brand", "price", "size", "material", "category", "stock", "available"),
        *("everything", "exclude", "remove", "forget", "another", "slightly", "between", "under"),
        *("below", "around", "show", "start", "over"),
    ]
)
