"""How the cores of a machine are shared by the server processes and by what computes in them."""

from __future__ import annotations

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from shopsearch.encoders.runtime import usable_cores
from shopsearch.settings import Settings


def share_cores(settings: Settings) -> Settings:
    """The same settings, where nothing is said of `threads`, with the cores that are one worker's.

    Models encode one batch at a time, so a process needs no more than its share.
    """
    if settings.threads:
        return settings
    share = max(1, usable_cores() // settings.workers)
    return settings.model_copy(update={"threads": share})


def limit_threads(n_of_models: int) -> None:
    """Let the libraries that are loaded by now make no more threads than they can use.

    Products of matrices are computed in the thread that asks: requests are what runs beside each
    other here, and threads of their own for a row of 384 numbers would only wait for each other.
    """
    threadpool_limits(limits=1, user_api="blas")
    threadpool_limits(limits=n_of_models, user_api="openmp")
