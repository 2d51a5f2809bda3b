"""Which searches get a place, and what is not begun when its time is over."""

from __future__ import annotations

import time

import pytest

from shopsearch.errors import Overloaded
from shopsearch.server.admission import Admission, is_quick
from shopsearch.stages import Stages, check_deadline, due


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_so_many_run_and_wait_and_no_more() -> None:
    admission = Admission(at_once=2, queue_size=3, timeout_s=10)
    tickets = [admission.admit() for _ in range(7)]
    assert [one is None for one in tickets] == [False] * 5 + [True] * 2
    assert (admission.running, admission.waiting) == (2, 3)
    assert (admission.n_admitted, admission.n_refused) == (5, 2)


def test_a_place_is_free_again_when_one_is_answered() -> None:
    admission = Admission(at_once=1, queue_size=0, timeout_s=10)
    ticket = admission.admit()
    assert ticket is not None
    begun = admission.begin(ticket)
    assert admission.admit() is None
    admission.end(ticket, begun)
    assert admission.admit() is not None
    assert (admission.running, admission.waiting) == (1, 0)


def test_who_waited_beyond_the_deadline_is_counted() -> None:
    clock = Clock()
    admission = Admission(at_once=1, queue_size=2, timeout_s=10, clock=clock)
    first, second = admission.admit(), admission.admit()
    assert first is not None
    assert second is not None
    assert first.deadline == 110.0
    admission.begin(first)
    clock.now = 110.5
    assert admission.waited_s(second) == 10.5
    admission.begin(second)
    assert admission.n_expired == 1


def test_who_could_not_be_answered_in_time_is_told_at_once() -> None:
    clock = Clock()
    admission = Admission(at_once=2, queue_size=100, timeout_s=10, clock=clock)
    first = admission.admit()
    assert first is not None
    begun = admission.begin(first)
    clock.now += 2.0
    admission.end(first, begun)  # one takes two seconds: two at once are one a second
    tickets = [admission.admit() for _ in range(20)]
    n_places = sum(one is not None for one in tickets)
    assert n_places == 2 + 7  # two that run, and as many as are done with in eight seconds
    assert admission.n_refused == 20 - n_places
    assert admission.expected_s == pytest.approx(2.0 * (1 + 7 / 2))


def test_one_that_expired_says_nothing_of_how_long_they_take() -> None:
    clock = Clock()
    admission = Admission(at_once=1, queue_size=5, timeout_s=10, clock=clock)
    late = admission.admit()
    assert late is not None
    clock.now += 11
    admission.end(late, admission.begin(late))
    assert admission.expected_s == 0.0


def test_a_slow_search_does_not_shut_out_the_next_when_nobody_waits() -> None:
    clock = Clock()
    admission = Admission(at_once=1, queue_size=5, timeout_s=10, clock=clock)
    slow = admission.admit()
    assert slow is not None
    begun = admission.begin(slow)
    clock.now += 9.9
    admission.end(slow, begun)
    assert admission.admit() is not None


@pytest.mark.parametrize(
    ("path", "quick"),
    [
        (b"/healthz", True),
        (b"/metrics", True),
        (b"/static/abc/shop.css", True),
        (b"/media/00", True),
        (b"/", False),
        (b"/search", False),
        (b"/healthzzz", False),
        (b"/api/v1/search/static/", False),
        (b"", False),
    ],
)
def test_health_pictures_and_static_files_stand_in_no_queue(path: bytes, quick: bool) -> None:
    assert is_quick(path) is quick


def test_no_stage_begins_after_the_deadline() -> None:
    stages, done = Stages(time.perf_counter), []
    with due(time.monotonic() + 60), stages("first"):
        done.append("first")
    with pytest.raises(Overloaded), due(time.monotonic() - 1), stages("second"):
        done.append("second")
    with stages("third"):  # without a deadline
        done.append("third")
    assert done == ["first", "third"]


def test_without_a_deadline_there_is_always_time() -> None:
    check_deadline()
    with due(time.monotonic() - 1), pytest.raises(Overloaded, match="ask again"):
        check_deadline()
    check_deadline()
