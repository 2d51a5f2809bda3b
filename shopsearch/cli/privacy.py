"""`privacy`: what is kept of one visitor, for those who ask for it or want it gone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.domain import Event

_ALL = 2**31 - 1

_visitor = click.argument("visitor_id")


@click.group()
def privacy() -> None:
    """Export or erase what is kept of a visitor.

    VISITOR_ID is the pseudonym under which the shop sends events. The search log knows no visitor
    for longer than a day: docs/privacy.md.
    """


@privacy.command()
@_visitor
@json_option
@click.pass_obj
def erase(options: GlobalOptions, *, visitor_id: str, as_json: bool) -> None:
    """Erase all events of a visitor.

    What a server was sent in the last second may be written after that: stop sending first.
    """
    from shopsearch.cli import console

    with options.services() as services:
        n_gone = services.events.erase(visitor_id)
    if as_json:
        console.print_json({"erased": n_gone})
    else:
        click.echo(f"{n_gone:,} {'event is' if n_gone == 1 else 'events are'} erased")


@privacy.command()
@_visitor
@click.pass_obj
def export(options: GlobalOptions, *, visitor_id: str) -> None:
    """Print all that is kept of a visitor, as JSON.

    The newest event first. The number of an order is not kept: purchases of one order have the same
    basket.
    """
    from shopsearch.cli import console

    with options.services() as services:
        found = services.events.of_visitor(visitor_id, limit=_ALL)
        days = services.settings.events_days
    console.print_json(
        {
            "visitor_id": visitor_id,
            "exported_at": datetime.now(UTC).isoformat(),
            "kept_for_days": days,
            "events": [_event_json(one) for one in found],
        }
    )


def _event_json(event: Event) -> dict[str, object]:
    told: dict[str, object] = {
        "event_id": event.event_id,
        "type": event.kind.value,
        "product_id": event.product_id,
        "at": event.at.isoformat(),
        "quantity": event.quantity,
    }
    return told | ({"basket": event.order_id} if event.order_id else {})
