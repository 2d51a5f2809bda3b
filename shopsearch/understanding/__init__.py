"""Query understanding: what the words of a query ask for beside what they name.

In goes a query and the index generation that answers it, out comes the same query with filters for
prices and sizes, and a list of preferences for colours, brands, categories, genders and materials
(`reader`). What people may ask for is what the catalog has (`values`), in the grammar of `prices`,
`sizes` and `comparing`; `ambiguity` keeps a name from being taken for a wish.

Nothing fails: text that means nothing more comes back as it is. To understand one more field, give
it a `PartKind` and a line in `values.FIELDS`.
"""

from shopsearch.understanding.preferences import Preference, best_of, preferences_of
from shopsearch.understanding.reader import Understanding, Understood

__all__ = ["Preference", "Understanding", "Understood", "best_of", "preferences_of"]
