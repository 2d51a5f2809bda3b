"""`serve`: the search page and the API."""

from __future__ import annotations

import click

from shopsearch.cli.options import GlobalOptions

host_option = click.option(
    "--host", metavar="ADDRESS", help="Address to listen on [default: 127.0.0.1]."
)
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Port to listen on [default: 8000]; 0 takes a free one.",
)


@click.command()
@host_option
@port_option
@click.pass_obj
def serve(options: GlobalOptions, *, host: str | None, port: int | None) -> None:
    """Serve the search page and the API.

    Ctrl-C stops it after the requests at hand. A new index generation is taken up without a
    restart.
    """
    settings = options.settings(serving=True, host=host, port=port)
    from shopsearch.server import serving

    serving.serve(settings, announce)


def announce(address: str) -> None:
    """Say where the page is, as soon as it answers."""
    click.echo(f"open {address} in a browser; Ctrl-C stops the server")
