"""What a page of results answers, and how it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shopsearch.domain import StoredProduct
from shopsearch.server import wording
from shopsearch.server.context import services
from shopsearch.server.locales import gettext
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.wish_fields import WishField


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page of results answers, and what it needs to say so."""

    request: SearchRequest
    pictured: bool = False  # the picture itself is with the visitor, not here
    like: StoredProduct | None = None
    named: Mapping[str, StoredProduct] = field(default_factory=dict)  # by further wishes

    @classmethod
    def of(cls, request: SearchRequest, *, pictured: bool = False) -> Asked:
        """With the products that the request names. Raises `UnknownProduct`."""
        product = services().search.product
        like = product(request.product_id) if request.product_id else None
        ids = {wish.value for wish in request.also if wish.kind == "product_id"}
        return cls(request, pictured, like, {one: product(one) for one in ids})

    @property
    def is_weighed(self) -> bool:
        """Whether words stand beside something else, so that one can be weighed against it."""
        return bool(self.request.text) and (self.pictured or self.like is not None)

    @property
    def is_cut(self) -> bool:
        """Whether something is asked for, and only what is relevant to it is shown."""
        return self.request.cutoff is not False and (bool(self.request.text) or self.pictured)

    @property
    def heading(self) -> str:
        """What the results answer, above chips that show what "this" is."""
        like = None if self.like is None else gettext("this")
        return self._heading(like)

    @property
    def title(self) -> str:
        """What the results answer, where there is nothing else to see."""
        like = None if self.like is None else wording.title_text(self.like.product)
        return self._heading(like)

    def wish_text(self, wish: WishField) -> str:
        """A further wish, as a chip says it."""
        named = self.named.get(wish.value) if wish.kind == "product_id" else None
        what = wording.title_text(named.product) if named else wish.value
        return wording.wish_text(what, wish.weight)

    def _heading(self, like: str | None) -> str:
        wished = [self.wish_text(one) for one in self.request.also if one.weight > 0.0]
        return wording.search_heading(
            self.request.text, pictured=self.pictured, like=like, wished=wished
        )
