"""The bounded look-ahead and the orderly stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from shopsearch.pipeline import look_ahead, stop_on_interrupt


@pytest.fixture(autouse=True)
def hears_interrupts() -> Iterator[None]:
    """Tests that run in the background of a shell are started deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_results_come_in_the_order_given() -> None:
    assert list(look_ahead(range(50), lambda n: n * n, depth=3)) == [n * n for n in range(50)]


def test_at_most_depth_elements_are_taken_before_the_first_result_is_used() -> None:
    taken: list[int] = []

    def given() -> Iterator[int]:
        for n in range(100):
            taken.append(n)
            yield n

    results = look_ahead(given(), lambda n: n, depth=3)
    assert next(results) == 0
    assert len(taken) == 3


def test_the_next_result_is_made_while_the_last_one_is_in_use() -> None:
    second_made = threading.Event()

    def make(n: int) -> int:
        if n == 1:
            second_made.set()
        return n

    results = look_ahead(range(5), make)
    next(results)
    assert second_made.wait(timeout=5)


def test_an_error_comes_where_its_result_would_have_been() -> None:
    results = look_ahead([1, 2, 0, 4], lambda n: 8 // n)
    assert [next(results), next(results)] == [8, 4]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_an_error_of_the_source_comes_through() -> None:
    def given() -> Iterator[int]:
        yield 1
        raise LookupError("the source ended badly")

    with pytest.raises(LookupError, match="ended badly"):
        list(look_ahead(given(), lambda n: n))


def test_the_first_interrupt_asks_and_the_second_one_interrupts() -> None:
    with stop_on_interrupt() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_termination_asks_just_so_and_what_comes_after_it_interrupts() -> None:
    with stop_on_interrupt() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_handler_from_before_is_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_interrupt():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


def test_outside_the_main_thread_nothing_is_installed() -> None:
    seen: list[bool] = []

    def run() -> None:
        before = signal.getsignal(signal.SIGINT)
        with stop_on_interrupt() as stop:
            seen.append(stop() is False and signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [True]
