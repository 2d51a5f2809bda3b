"""The search that a page was asked for, by its address or by a form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flask import request

from shopsearch.server import facet_links
from shopsearch.server.search_request import Fields, SearchRequest, read_search
from shopsearch.server.uploads import form_fields

_FOLLOWERS = ("utm_", "gclid", "fbclid", "msclkid")  # what other sites hang onto links to pages


def address_fields() -> Iterator[tuple[str, str]]:
    """The named values of the address at hand, without what other sites hung onto it."""
    return (
        (name, value)
        for name, value in request.args.items(multi=True)
        if not name.startswith(_FOLLOWERS)
    )


def read_address() -> SearchRequest:
    """The search of the address at hand. Raises `QueryError`."""
    return search_of(address_fields())


def read_form() -> SearchRequest:
    """The search of the form at hand, but for its picture. Raises `QueryError`."""
    return search_of(form_fields())


def search_of(fields: Fields) -> SearchRequest:
    """The search that named values spell as pages do. Raises `QueryError`.

    Pages say `like` for `product_id`: their addresses are read by people.
    """
    return read_search(("product_id" if name == "like" else name, value) for name, value in fields)


def without_pictures(asked: SearchRequest) -> SearchRequest:
    """The same search, as far as an address can ask for it."""
    told = tuple(wish for wish in asked.also if wish.kind != "image_url")
    return replace(asked, image_url=None, also=told)


def as_shown(asked: SearchRequest) -> SearchRequest:
    """The same search as a page of results asks it: cut where its answer ends, and with one hit
    for the variants of a product, unless the address says otherwise.
    """
    return replace(asked, cutoff=asked.cutoff is not False, collapse=asked.collapse is not False)


def with_facets(asked: SearchRequest) -> SearchRequest:
    """The same search `as_shown`, with the facets that stand beside the results."""
    return replace(as_shown(asked), facets=facet_links.SHOWN, facet_query="")
