"""What it costs a request to tell who asks, whether they may, and how often they did.

    python benchmarks/access.py [--requests 300] [--rounds 25] [--redis redis://127.0.0.1:6379/0]

The same operation, which does nothing, is called through the whole application under each setting
in turn. A figure is how much longer a request takes than in an application without access control
and limits, on the clock and of the processor: the least of the rounds, which a busy machine changes
least.
"""

from __future__ import annotations

import argparse
import logging
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from shopsearch.bootstrap import Services
from shopsearch.domain import Scope
from shopsearch.server import create_app
from shopsearch.server.api.operations import operation
from shopsearch.settings import Settings

PATH = "/api/v1/nothing"
MANY = "1000000/minute"
PARTS = ("shopsearch.server.access", "shopsearch.server.rates", "flask_limiter")


@operation("nothing", tag="search", scope=Scope.SEARCH, answers={})
def nothing() -> str:
    return ""


def application(home: Path, **options: str) -> Flask:
    app = create_app(Services(Settings(home=home, encoder="hashing", **options)))
    app.add_url_rule(PATH, view_func=nothing)
    return app


def without_access(home: Path) -> Flask:
    app = application(home, rate_limit="off", rate_limit_write="off")
    for hooks in (app.before_request_funcs[None], app.after_request_funcs[None]):
        hooks[:] = [hook for hook in hooks if not hook.__module__.startswith(PARTS)]
    return app


class Took(NamedTuple):
    """Seconds: on the clock, and of the processor."""

    wall: float
    cpu: float

    def longer_than(self, other: Took) -> Took:
        return Took(self.wall - other.wall, self.cpu - other.cpu)


def took(app: Flask, headers: Mapping[str, str], n: int) -> Took:
    environ: dict[str, Any] = EnvironBuilder(path=PATH, headers=headers).get_environ()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(n):
        _, status, _ = run_wsgi_app(app, dict(environ))
        assert status == "200 OK", status
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def cases_of(home: Path, redis: str | None) -> dict[str, tuple[Flask, dict[str, str]]]:
    with Services.open(Settings(home=home, encoder="hashing")) as services:
        key = str(services.key_issuer.make("bench", [Scope.SEARCH]).spelt)
    off = application(home, rate_limit="off", rate_limit_write="off")
    limited = application(home, rate_limit=MANY, rate_limit_write=MANY)
    carried = {"Authorization": f"Bearer {key}"}
    cases = {
        "no key, no limits": (off, {}),
        "key, no limits": (off, carried),
        "no key, limits in memory": (limited, {}),
        "key, limits in memory": (limited, carried),
    }
    if redis:
        counted = application(home, rate_limit=MANY, rate_limit_storage=redis)
        cases["key, limits in Redis"] = (counted, carried)
    return cases


def measure(folder: Path, options: argparse.Namespace) -> None:
    cases = cases_of(folder, options.redis)
    plain = without_access(folder)
    cases = {"without any of it": (plain, {}), **cases}
    rounds: dict[str, list[Took]] = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, (app, headers) in cases.items():
            rounds[name].append(took(app, headers, options.requests))
    least = {name: least_of(all_of_it) for name, all_of_it in rounds.items()}
    bare = least.pop("without any of it")
    print(f"{'without any of it':26} {shown(bare, options.requests)}")
    for name, one in least.items():
        print(f"{name:26} {shown(one.longer_than(bare), options.requests)} more")


def least_of(rounds: Sequence[Took]) -> Took:
    return Took(min(one.wall for one in rounds), min(one.cpu for one in rounds))


def shown(took: Took, n_requests: int) -> str:
    wall, cpu = (seconds * 1e6 / n_requests for seconds in took)
    return f"{wall:6.0f} µs, {cpu:6.0f} µs of the processor"


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--redis", help="count in this Redis too")
    options = parser.parse_args()
    print(f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options)


if __name__ == "__main__":
    main()
