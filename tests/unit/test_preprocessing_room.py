"""Room for the pixels that are decoded at a time."""

from __future__ import annotations

import threading
import time

from shopsearch.preprocessing.room import SMALL_PIXELS, DecodingRoom

LARGE = SMALL_PIXELS + 1


def test_large_pictures_wait_for_room_and_small_ones_do_not() -> None:
    room = DecodingRoom(LARGE)
    order: list[str] = []

    def decode_a_large_one() -> None:
        with room.taken(LARGE):
            order.append("large")

    with room.taken(LARGE):
        waiting = threading.Thread(target=decode_a_large_one)
        waiting.start()
        with room.taken(SMALL_PIXELS):
            order.append("small")
        time.sleep(0.05)
        order.append("first done")
    waiting.join(timeout=5)

    assert order == ["small", "first done", "large"]


def test_never_more_than_there_is_room_for() -> None:
    room, lock, now, most = DecodingRoom(3 * LARGE), threading.Lock(), 0, 0

    def decode() -> None:
        nonlocal now, most
        with room.taken(LARGE):
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with lock:
                now -= 1

    threads = [threading.Thread(target=decode) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert (now, most) == (0, 3)


def test_a_picture_larger_than_all_room_has_it_alone() -> None:
    room = DecodingRoom(LARGE)
    for _ in range(2):
        with room.taken(100 * LARGE):
            pass
