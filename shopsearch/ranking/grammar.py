"""The small words of English that say how the others stand to each other."""

from __future__ import annotations

# what follows them says more about the thing, but does not name it
AFTER_THE_NOUN = frozenset(("for", "from", "in", "of", "on", "that", "to", "w", "with", "without"))
FUNCTION_WORDS = AFTER_THE_NOUN | frozenset(
    [
        *("a", "an", "and", "are", "as", "at", "be", "by", "into", "is", "it"),
        *("my", "not", "or", "t", "the", "this", "was", "your"),
    ]
)
