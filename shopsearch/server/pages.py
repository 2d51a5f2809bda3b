"""The pages of the shop. Each works without JavaScript; web/static/js makes them quick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import structlog
from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from shopsearch.domain import AnyOf, Hit, SearchPage, Sort, StoredProduct
from shopsearch.errors import IndexFault, ProductRejected, QueryError, UnknownProduct
from shopsearch.facets import MAX_VALUES
from shopsearch.server import addresses, facet_links, price_slider, wording
from shopsearch.server.context import services, services_of
from shopsearch.server.errors import problem_of
from shopsearch.server.locales import gettext
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import MAX_REACH, Fields, SearchRequest, read_search
from shopsearch.server.swatches import swatch_of
from shopsearch.server.uploads import (
    form_fields,
    further_pictures,
    picture_of,
    uploaded_picture,
)
from shopsearch.server.wish_fields import WishField

N_SIMILAR = 12
_FOLLOWERS = ("utm_", "gclid", "fbclid", "msclkid")  # what other sites hang onto links to pages

_log = structlog.get_logger(__name__)

blueprint = Blueprint("pages", __name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page of results answers, and what it needs to say so."""

    request: SearchRequest
    pictured: bool = False  # the picture itself is with the visitor, not here
    like: StoredProduct | None = None
    named: Mapping[str, StoredProduct] = field(default_factory=dict)  # by further wishes

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


def install(app: Flask) -> None:
    """Serve the pages."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(
        addresses=addresses,
        facet_links=facet_links,
        price_slider=price_slider,
        swatch_of=swatch_of,
        wording=wording,
        refined=replace,
        filtered=_filtered,
        unfiltered=_unfiltered,
        unsaid=_unsaid,
        variants_of=_variants_of,
        unwished=_unwished,
        n_pages=_n_pages,
        max_image_bytes=services_of(app).settings.max_image_bytes,
    )


@blueprint.get("/")
def home() -> str:
    """What is new."""
    _read_address()
    page = services().search.search(SearchRequest(sort=Sort.NEWEST).query())
    return render_template("home.html", page=page, asked=None)


@blueprint.get("/search")
def results() -> str:
    """Results by what the address says; without anything asked, the whole catalog."""
    asked = _without_pictures(_read_address())
    like = services().search.product(asked.product_id) if asked.product_id else None
    page = services().search.search(_with_facets(asked).query())
    return _results(page, Asked(asked, like=like, named=_named(asked)))


@blueprint.post("/search")
def results_by_picture() -> AnyResponse | str:
    """Results by a picture. Nothing of it is kept, so the page has no address to come back to."""
    asked, uploaded = read_search(_page_names(form_fields())), uploaded_picture()
    further = further_pictures(asked, uploaded)
    if uploaded is None and asked.image_url is None and not further:
        return redirect(addresses.search_address(asked), HTTPStatus.SEE_OTHER)
    like = services().search.product(asked.product_id) if asked.product_id else None
    try:
        query = _with_facets(asked).query(picture_of(asked, uploaded), further)
        page = services().search.search(query)
    except ProductRejected as error:
        return _picture_refused(error, Asked(asked, pictured=True, like=like))
    return _results(page, Asked(asked, pictured=True, like=like, named=_named(asked)))


@blueprint.get(addresses.VALUES)
def facet_values() -> str:
    """The values of one facet, those beyond the most frequent too; `facet_query` narrows them."""
    return _values(_without_pictures(_read_address()))


@blueprint.post(addresses.VALUES)
def facet_values_by_picture() -> AnyResponse | str:
    """The same where a picture is searched by."""
    return _values(read_search(_page_names(form_fields())), pictured=True)


@blueprint.get("/products/<path:product_id>")
def product(product_id: str) -> str:
    """One product, and what is like it."""
    stored = services().search.product(product_id)
    return render_template(
        "product.html", stored=stored, product=stored.product, similar=_similar(product_id)
    )


@blueprint.get("/products")
def product_by_parameter() -> str:
    """One product whose id cannot travel in a path."""
    product_id = request.args.get("id")
    if not product_id:
        raise QueryError("name the product: /products/ID, or ?id=ID")
    return product(product_id)


def _filtered(field: str, value: str) -> SearchRequest:
    """Everything that has a value in a field."""
    return SearchRequest(filters=(AnyOf(field, (value,)),))


def _unfiltered(asked: SearchRequest, field: str, value: str) -> SearchRequest:
    """The same search without one value of a filter."""
    kept = (
        AnyOf(any_of.field, tuple(v for v in any_of.values if (any_of.field, v) != (field, value)))
        for any_of in asked.filters
    )
    return replace(asked, filters=tuple(any_of for any_of in kept if any_of.values), page=1)


def _unsaid(asked: SearchRequest, words: str) -> SearchRequest:
    """The same search without one thing that it must not be like."""
    kept = tuple(negative for negative in asked.negatives if negative != words)
    return replace(asked, negatives=kept, page=1)


def _unwished(asked: SearchRequest, wish: WishField) -> SearchRequest:
    """The same search without one of its further wishes."""
    return replace(asked, also=tuple(one for one in asked.also if one != wish), page=1)


def _without_pictures(asked: SearchRequest) -> SearchRequest:
    """The same search, as far as an address can ask for it."""
    told = tuple(wish for wish in asked.also if wish.kind != "image_url")
    return replace(asked, image_url=None, also=told)


def _named(asked: SearchRequest) -> dict[str, StoredProduct]:
    """The products that further wishes name. Raises `UnknownProduct`."""
    ids = {wish.value for wish in asked.also if wish.kind == "product_id"}
    return {product_id: services().search.product(product_id) for product_id in ids}


def _n_pages(page: SearchPage, asked: SearchRequest) -> int:
    """How many pages there are to turn; far ones are out of reach."""
    return min(-(-page.total // asked.size), MAX_REACH // asked.size)


def _results(page: SearchPage, asked: Asked) -> str:
    query_id = log_search(asked.request, page, pictured=asked.pictured)
    return render_template("results.html", page=page, asked=asked, query_id=query_id)


def _values(asked: SearchRequest, *, pictured: bool = False) -> str:
    """Not noted as a search: nothing is looked for but a filter."""
    if len(asked.facets) != 1 or asked.facets[0] not in facet_links.LISTED:
        known = ", ".join(facet_links.LISTED)
        raise QueryError(f"name one facet whose values shall be listed: ?facets= one of {known}")
    uploaded = uploaded_picture() if pictured else None
    listing = replace(_with_facets(asked), facets=asked.facets, facet_limit=MAX_VALUES, size=1)
    listing = replace(listing, facet_query=asked.facet_query, page=1)
    query = listing.query(
        picture_of(asked, uploaded) if pictured else None,
        further_pictures(asked, uploaded) if pictured else (),
    )
    page = services().search.search(query)
    return render_template("facet_values.html", page=page, asked=Asked(asked, pictured=pictured))


def _picture_refused(error: ProductRejected, asked: Asked) -> Response:
    """The same page with the reason in the place of results, so that another try is one click."""
    problem = problem_of(error)
    body = render_template("picture_refused.html", problem=problem, asked=asked)
    return make_response(body, problem.status)


def _similar(product_id: str) -> tuple[Hit, ...]:
    """Products like one; none while the index does not answer: the product itself still shows."""
    try:
        return services().search.similar(product_id, k=N_SIMILAR, collapse=True).hits
    except (IndexFault, UnknownProduct) as error:
        _log.warning("no similar products", product_id=product_id, reason=str(error))
        return ()


def _with_facets(asked: SearchRequest) -> SearchRequest:
    """The same search as a page asks it: with facets, cut where its answer ends, and with one hit
    for the variants of a product, unless the address says otherwise.
    """
    return replace(
        asked,
        facets=facet_links.SHOWN,
        facet_query="",
        cutoff=asked.cutoff is not False,
        collapse=asked.collapse is not False,
    )


def _variants_of(asked: SearchRequest, group: str) -> SearchRequest:
    """The same search for all variants of one product."""
    others = tuple(one for one in asked.filters if one.field != "item_group_id")
    of_group = AnyOf("item_group_id", (group,))
    return replace(asked, filters=(*others, of_group), collapse=False, cutoff=False, page=1)


def _read_address() -> SearchRequest:
    followed = (
        (name, value)
        for name, value in request.args.items(multi=True)
        if not name.startswith(_FOLLOWERS)
    )
    return read_search(_page_names(followed))


def _page_names(fields: Fields) -> Iterator[tuple[str, str]]:
    """Pages say `like` for `product_id`: their addresses are read by people."""
    return (("product_id" if name == "like" else name, value) for name, value in fields)
