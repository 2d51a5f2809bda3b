"""What changes while servers run is looked for in a thread of its own."""

from __future__ import annotations

import threading
import time

from shopsearch.errors import StoreUnavailable
from shopsearch.following import Follower


def test_it_looks_again_and_again_until_it_is_closed() -> None:
    looked, often = threading.Event(), []

    def look() -> None:
        often.append(threading.current_thread().name)
        if len(often) == 3:
            looked.set()

    follower = Follower(look, every_s=0.001)
    follower.begin()
    assert looked.wait(10)
    follower.close()
    n_looks = len(often)
    assert set(often) == {"follower"}
    time.sleep(0.02)
    assert len(often) == n_looks


def test_a_look_that_fails_keeps_neither_the_others_nor_itself_from_looking_again() -> None:
    looked, failed = threading.Event(), []

    def fail() -> None:
        failed.append(1)
        raise StoreUnavailable("the database is away")

    def look() -> None:
        if len(failed) > 2:
            looked.set()

    follower = Follower(fail, look, every_s=0.001)
    follower.begin()
    assert looked.wait(10)
    follower.close()


def test_one_that_never_began_can_be_closed() -> None:
    Follower(lambda: None).close()
