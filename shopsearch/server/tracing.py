"""Traces of requests for OpenTelemetry, where `SHOPSEARCH_OTEL_ENDPOINT` says where they go.

Without that setting nothing is imported and nothing is done.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from flask import Flask

from shopsearch.errors import SettingsError
from shopsearch.server.context import services_of
from shopsearch.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_NAME = "shopsearch_traces"
_PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def check(settings: Settings) -> None:
    """Raises `SettingsError` where traces are wanted and packages for them are missing."""
    if settings.otel_endpoint is None:
        return
    for package in _PACKAGES:
        if not _is_there(package):
            raise SettingsError(
                f"SHOPSEARCH_OTEL_ENDPOINT is {settings.otel_endpoint!r}, but the package "
                f"{package} is missing: pip install 'shopsearch[otel]', or unset it"
            )


def install(app: Flask) -> None:
    """Trace the requests of an application. Raises what `check` raises."""
    settings = services_of(app).settings
    if settings.otel_endpoint is None:
        return
    check(settings)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    trace_to(app, OTLPSpanExporter(endpoint=settings.otel_endpoint))


def trace_to(app: Flask, exporter: SpanExporter) -> None:
    """Send the traces of an application to an exporter."""
    from shopsearch.server.spans import Traces

    traces = app.extensions[_NAME] = Traces(exporter, services_of(app).settings.otel_sample)
    traces.follow(app)


def end(app: Flask) -> None:
    """Send what is left; nothing is traced any more."""
    if (traces := app.extensions.pop(_NAME, None)) is not None:
        traces.close()


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is part of
        return False
