"""Logs on standard error: lines for people, or one JSON object a line for machines."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["console", "json"]

# the values of variables stay out: they hold what was searched for, addresses, keys
_traceback_json = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
_LIBRARIES_SPEAK_FROM = logging.WARNING  # their info lines mean nothing to whoever runs a shop


def configure(level: Level, log_format: Format, *, of_rooms: Level | None = None) -> None:
    """Send shopsearch's logs, and the warnings of libraries, to standard error.

    `of_rooms` is the level of everything but the progress of commands, where the two differ.
    """
    threshold = _number(level)
    structlog.configure(
        processors=[*_stamps(log_format), *_rendering(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(_number(of_rooms or level)),
        # the stream is looked up at every line: a progress display swaps it while it is on
        logger_factory=lambda *_names: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(
        logging.WARNING if threshold <= logging.DEBUG else logging.ERROR
    )
    root = logging.getLogger()
    root.handlers[:] = [_library_handler(log_format)]
    root.setLevel(max(threshold, _LIBRARIES_SPEAK_FROM))
    logging.getLogger("shopsearch").setLevel(threshold)


def progress_logger() -> Any:
    """Where long commands say how far they have come, when nobody watches a bar."""
    threshold = logging.getLogger("shopsearch").level
    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
    )


def level_in_force() -> str:
    """The level that `configure` was given last."""
    return logging.getLevelName(logging.getLogger("shopsearch").level).lower()


class _CurrentStderr:
    """Writes to whatever `sys.stderr` is at the moment."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _library_handler(log_format: Format) -> logging.Handler:
    handler = logging.StreamHandler(_CurrentStderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_stamps(log_format),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(log_format),
            ],
        )
    )
    return handler


def _stamps(log_format: Format) -> list[Any]:
    in_full = log_format == "json"
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if in_full else "%H:%M:%S", utc=in_full),
    ]


def _rendering(log_format: Format) -> list[Any]:
    if log_format == "json":
        return [_traceback_json, structlog.processors.JSONRenderer()]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            pad_level=False,
            exception_formatter=structlog.dev.plain_traceback,  # without the values of variables
        )
    ]


def _number(level: Level) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
