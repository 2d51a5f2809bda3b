"""Logs on standard error: lines for people, or one JSON object a line for machines."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["console", "json"]

_LIBRARIES_SPEAK_FROM = logging.WARNING  # their info lines mean nothing to whoever runs a shop


def configure(level: Level, log_format: Format) -> None:
    """Send shopsearch's logs, and the warnings of libraries, to standard error."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    stamps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamper(log_format),
    ]
    structlog.configure(
        processors=[*stamps, *_rendering(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # the stream is looked up at every line: a progress display swaps it while it is on
        logger_factory=lambda *_names: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    libraries = logging.StreamHandler(_CurrentStderr())
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=stamps,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(log_format),
            ],
        )
    )
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(
        logging.WARNING if threshold <= logging.DEBUG else logging.ERROR
    )
    root = logging.getLogger()
    root.handlers[:] = [libraries]
    root.setLevel(max(threshold, _LIBRARIES_SPEAK_FROM))
    logging.getLogger("shopsearch").setLevel(threshold)


def level_in_force() -> str:
    """The level that `configure` was given last."""
    return logging.getLevelName(logging.getLogger("shopsearch").level).lower()


class _CurrentStderr:
    """Writes to whatever `sys.stderr` is at the moment."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _stamper(log_format: Format) -> structlog.processors.TimeStamper:
    if log_format == "json":
        return structlog.processors.TimeStamper(fmt="iso", utc=True)
    return structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)


def _rendering(log_format: Format) -> list[Any]:
    if log_format == "json":
        return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0, pad_level=False)]
