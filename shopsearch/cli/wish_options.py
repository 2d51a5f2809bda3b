"""The options of `search` for further wishes: more like this, less like that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from shopsearch.domain import Wanted

Command = TypeVar("Command", bound=Callable[..., Any])
Content = Literal["text", "image", "product_id"]


@dataclass(frozen=True, slots=True)
class AskedWish:
    """A further wish as it was typed; a picture is named, and not read yet."""

    option: str
    content: Content
    value: str
    weight: float


def wish_options(command: Command) -> Command:
    """Add the options; `read_wishes` takes what they were given."""
    for add in reversed(
        (
            click.option(
                "--also",
                multiple=True,
                metavar="TEXT[^WEIGHT]",
                help="More like these words; a WEIGHT from -1 to 1, below 0 for less; repeatable.",
            ),
            click.option(
                "--also-image",
                multiple=True,
                metavar="FILE|URL[^WEIGHT]",
                help="More like this picture; repeatable.",
            ),
            click.option(
                "--also-product",
                multiple=True,
                metavar="ID[^WEIGHT]",
                help="More like this product, which is not shown itself; repeatable.",
            ),
            click.option(
                "--not-image",
                multiple=True,
                metavar="FILE|URL",
                help="Less like this picture; repeatable.",
            ),
            click.option(
                "--not-product",
                multiple=True,
                metavar="ID",
                help="Less like this product; repeatable.",
            ),
        )
    ):
        command = add(command)
    return command


def read_wishes(
    *,
    also: Iterable[str],
    also_image: Iterable[str],
    also_product: Iterable[str],
    not_image: Iterable[str],
    not_product: Iterable[str],
) -> list[AskedWish]:
    """The wishes in the order of the options. Raises a usage error for a weight that is none."""
    from shopsearch.domain import MAX_WISHES

    wishes = [
        *_weighted("--also", "text", also),
        *_weighted("--also-image", "image", also_image),
        *_weighted("--also-product", "product_id", also_product),
        *_against("--not-image", "image", not_image),
        *_against("--not-product", "product_id", not_product),
    ]
    if len(wishes) > MAX_WISHES:
        message = f"there are {len(wishes)} further wishes, but at most {MAX_WISHES} count"
        raise click.UsageError(message)
    return wishes


def wanted(wishes: Iterable[AskedWish], picture: Callable[[str, str], bytes]) -> tuple[Wanted, ...]:
    """The wishes for a query; `picture` gets the bytes of a file or URL that an option names."""
    from shopsearch.domain import Wanted

    return tuple(
        Wanted(
            text=one.value if one.content == "text" else "",
            image=picture(one.value, one.option) if one.content == "image" else None,
            product_id=one.value if one.content == "product_id" else None,
            weight=one.weight,
        )
        for one in wishes
    )


def _weighted(option: str, content: Content, values: Iterable[str]) -> Iterator[AskedWish]:
    from shopsearch.errors import QueryError
    from shopsearch.weighted import read_weighted

    for text in values:
        try:
            value, weight = read_weighted(text)
        except QueryError as error:
            raise click.BadParameter(str(error), param_hint=f"'{option}'") from error
        yield AskedWish(option, content, _checked(option, value), weight)


def _against(option: str, content: Content, values: Iterable[str]) -> Iterator[AskedWish]:
    from shopsearch.domain import NEGATIVE_WEIGHT

    for value in values:
        yield AskedWish(option, content, _checked(option, value), -NEGATIVE_WEIGHT)


def _checked(option: str, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("it names nothing", param_hint=f"'{option}'")
    return value
