"""A server that is out of reach is not asked by every caller."""

from __future__ import annotations

import threading
import time

import pytest
from structlog.testing import capture_logs

from shopsearch.errors import IndexUnavailable
from shopsearch.index.breaker import Breaker, NotThere


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("Milvus", 5.0, clock)


def fail(breaker: Breaker) -> None:
    with pytest.raises(IndexUnavailable, match="no answer"), breaker.watching():
        raise IndexUnavailable("no answer")


def refused(breaker: Breaker) -> bool:
    try:
        with breaker.watching():
            return False
    except IndexUnavailable:
        return True


def test_after_a_failure_callers_are_refused_until_the_rest_is_over(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    assert breaker.trouble == "no answer"
    clock.now += 4.9
    assert refused(breaker)
    clock.now += 0.2
    assert not refused(breaker)
    assert breaker.trouble == ""
    assert not refused(breaker)


def test_one_caller_tries_again_while_the_others_are_refused(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    clock.now += 6.0
    with breaker.watching():  # the one that tries
        assert refused(breaker)
    assert not refused(breaker)


def test_a_try_that_fails_begins_another_rest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 6.0
    fail(breaker)
    clock.now += 4.0
    assert refused(breaker)


def test_other_errors_are_no_sign_that_it_is_out_of_reach(breaker: Breaker) -> None:
    with pytest.raises(KeyError), breaker.watching():
        raise KeyError
    assert not refused(breaker)


def test_it_logs_when_the_server_goes_and_when_it_is_back_and_not_at_each_call(
    breaker: Breaker, clock: Clock
) -> None:
    with capture_logs() as logs:
        for _ in range(3):
            fail(breaker)
            clock.now += 6.0
        for _ in range(3):
            assert not refused(breaker)
    assert [entry["log_level"] for entry in logs] == ["error", "info"]


def test_many_callers_at_once_wait_for_no_one(breaker: Breaker) -> None:
    fail(breaker)
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(refused(breaker))) for _ in range(8)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
    assert time.perf_counter() - started < 2.0


def test_what_the_server_lacks_is_told_and_refuses_nobody(breaker: Breaker) -> None:
    with pytest.raises(NotThere), breaker.watching():
        raise NotThere("no such collection")

    assert breaker.trouble == "no such collection"
    assert not refused(breaker)
    assert breaker.trouble == ""
