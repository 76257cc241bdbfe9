"""Requests start as fast as permitted and never faster, from one thread or several."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque

import pytest
from scripted_server import StillClock

from encours.clients import rate_limits
from encours.clients.rate_limits import (
    Limits,
    QuotaReached,
    RateLimiter,
    begun_by,
    take_turns,
    told_turns,
)


def limiter(clock: StillClock, *limits: Limits, longest: float = 300.0) -> RateLimiter:
    return RateLimiter("b", limits, longest=longest, monotonic=clock.monotonic, sleep=clock.sleep)


def starts(clock: StillClock, turns: RateLimiter, count: int) -> list[float]:
    found = []
    for _ in range(count):
        with turns.turn():
            found.append(clock.monotonic())
    return found


def most_in_any_window(moments: list[float], seconds: float) -> int:
    return max(bisect_left(moments, start + seconds) - at for at, start in enumerate(moments))


@pytest.mark.parametrize("limits", [Limits(25, 5), Limits(60, 60), Limits(1, 2), Limits(500, 60)])
def test_rate_is_kept_and_almost_reached(limits: Limits) -> None:
    clock = StillClock()

    moments = starts(clock, limiter(clock, limits), 10 * limits.requests + 1)

    assert most_in_any_window(moments, limits.seconds) == limits.requests
    reached = (len(moments) - 1) / (moments[-1] - moments[0])
    assert reached >= 0.95 * limits.requests / limits.seconds


def test_each_of_several_limits_is_kept() -> None:
    clock = StillClock()

    moments = starts(clock, limiter(clock, Limits(10, 1), Limits(60, 60)), 200)

    assert most_in_any_window(moments, 1) <= 10
    assert most_in_any_window(moments, 60) <= 60


def test_slow_requests_do_not_wait() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(2, 1))

    for _ in range(5):
        with turns.turn():
            clock.sleep(2.0)

    assert clock.slept == [2.0] * 5


def test_threads_keep_the_rate_together() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(10, 1, concurrent=4))
    moments: list[float] = []
    threads = [
        threading.Thread(target=lambda: moments.extend(starts(clock, turns, 25))) for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(moments) == 100
    # A thread may look at the clock after another one has already waited: the span tells the rate.
    assert clock.monotonic() - min(moments) >= 9 * 1.0


def test_no_more_at_once_than_permitted() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(1000, 1, concurrent=2))
    inside: list[int] = []
    most: list[int] = []
    two_inside = threading.Barrier(2, timeout=10)

    def work() -> None:
        with turns.turn():
            inside.append(1)
            most.append(len(inside))
            two_inside.wait()
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert max(most) == 2


def test_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(10, 1))

    turns.pause(20, None)
    turns.pause(5, None)
    with turns.turn():
        pass

    assert clock.slept == [20.0]


def test_what_was_used_up_by_ourselves_is_not_waited_for_twice() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(25, 5))
    starts(clock, turns, 25)

    turns.note_spent(6.0, None)
    starts(clock, turns, 1)

    assert clock.slept == [pytest.approx(5.2)]


def test_what_others_used_up_is_waited_for() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(25, 5))
    starts(clock, turns, 3)

    turns.note_spent(4.0, None)
    starts(clock, turns, 1)

    assert clock.slept == [pytest.approx(4.0)]


def test_long_pause_is_told_and_not_slept() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(10, 1), longest=30)

    turns.pause(31, None)

    with (
        pytest.raises(QuotaReached, match="b: the request quota is used up for 31 s"),
        turns.turn(),
    ):
        pass
    assert clock.slept == []


def test_daily_limit_is_told_and_not_slept() -> None:
    clock = StillClock()
    turns = limiter(clock, Limits(2, 86_400))
    starts(clock, turns, 2)

    with pytest.raises(QuotaReached), turns.turn():
        pass
    assert clock.slept == []


@pytest.mark.parametrize("numbers", [(0, 1, 1), (1, -1, 1), (1, 1, 0)])
def test_limits_permit_something(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="permit nothing"):
        Limits(*numbers)


def test_what_an_earlier_session_asked_counts_for_the_next_one() -> None:
    clock = StillClock()
    begun: deque[float] = deque()
    limits = (Limits(25, 5),)
    options = {"longest": 300.0, "monotonic": clock.monotonic, "sleep": clock.sleep}
    first = starts(clock, RateLimiter("b", limits, begun=begun, **options), 20)

    second = starts(clock, RateLimiter("b", limits, begun=begun, **options), 20)

    assert most_in_any_window(first + second, 5) == 25


def test_what_one_process_asked_is_counted_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_begun", {})
    now = time.monotonic()
    begun_by("books_1", "https://a").extend([now - 1000, now - 4, now - 1])
    begun_by("books_2", "https://a").append(now)
    told = told_turns("books_1")

    monkeypatch.setattr(rate_limits, "_begun", {})
    take_turns("books_1", told, 2.0)

    (ages,) = told_turns("books_1").values()
    assert ages == [pytest.approx(6, abs=1), pytest.approx(3, abs=1)]
    assert told_turns("books_2") == {}
