"""The services of the application that answers the request at hand."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from shopsearch.bootstrap import Services

_NAME = "shopsearch"


def give_services(app: Flask, services: Services) -> None:
    """Let the handlers of an application use these services."""
    app.extensions[_NAME] = services


def services() -> Services:
    """What the handler at work may use."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """What an application was given."""
    return cast(Services, app.extensions[_NAME])
