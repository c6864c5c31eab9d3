"""Identifiers are UUIDv7 and rise."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tracker.kit.ids import uuid7


def test_an_identifier_is_version_seven_and_carries_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= after + 1


def test_identifiers_of_one_process_rise_and_never_repeat() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_threads_do_not_share_an_identifier() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [item for chunk in pool.map(lambda _: [uuid7() for _ in range(2_000)], range(8)) for item in chunk]
    assert len(set(made)) == len(made)
