"""A vendor's request limits, obeyed before they bite.

What one connection has asked lately counts for whoever reads it next: for the next session of this
process by itself, for the next process by what `told_turns` gives and `take_turns` takes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from encours.errors import RetryableError

# A request reaches the vendor later than it is sent, one more so than another: two that are sent
# `seconds` apart may arrive closer together. The margin leaves 96 % of the permitted rate.
_MARGIN = 1.04
# Waiting for the next turn is no fault and costs no patience, but a daily limit is not slept out.
_LONGEST_TURN = 120.0
# The end of a window and the moment of the answer are both told in whole seconds.
_ROUNDING = 2.0
# Longer windows are daily quotas, which the vendor tells by itself.
_LONGEST_SHARED = 300.0
_MOST_SHARED = 5000
# By connection and address, on the clock of this process: when a request was begun.
_begun: dict[tuple[str, str], deque[float]] = {}


@dataclass(frozen=True)
class Limits:
    """What the vendor permits of one connection: `requests` in any `seconds`, `concurrent` at
    once."""

    requests: int
    seconds: float
    concurrent: int = 1

    def __post_init__(self) -> None:
        if self.requests < 1 or self.seconds < 0 or self.concurrent < 1:
            raise ValueError("limits that permit nothing")


class QuotaReached(RetryableError):
    """The vendor asks for a wait that is longer than a request may take.

    `seconds` is the wait, `until` the moment on the vendor's clock (None where its answer had no
    Date). Nothing was slept.
    """

    def __init__(self, message: str, *, seconds: float, until: datetime | None) -> None:
        self.seconds = seconds
        self.until = until
        super().__init__(message)


def begun_by(connection_id: str, address: str) -> deque[float]:
    """When this process began requests of a connection lately: one list for all its sessions."""
    return _begun.setdefault((connection_id, address), deque(maxlen=_MOST_SHARED))


def told_turns(connection_id: str) -> dict[str, list[float]]:
    """By address, how many seconds ago this process began the connection's latest requests."""
    now = time.monotonic()
    return {
        address: ages
        for (name, address), begun in _begun.items()
        if name == connection_id
        and (ages := [now - at for at in begun if now - at < _LONGEST_SHARED])
    }


def take_turns(connection_id: str, told: Mapping[str, Sequence[float]], seconds: float) -> None:
    """Count what `told_turns` gave another process so many seconds ago. What this process began
    itself is among it."""
    now = time.monotonic()
    for address, ages in told.items():
        begun = begun_by(connection_id, address)
        earlier = sorted(now - age - seconds for age in ages if age + seconds < _LONGEST_SHARED)
        begun.clear()
        begun.extend(earlier)


class RateLimiter:
    """Turns for the threads of one session: never more starts in a window than permitted.

    `longest` is how many seconds a pause asked for by the vendor may take before QuotaReached.
    `begun` are the moments of earlier requests that count as well; those of this session join them.
    """

    def __init__(
        self,
        name: str,
        limits: Sequence[Limits],
        *,
        longest: float,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        begun: deque[float] | None = None,
    ) -> None:
        self._name = name
        # Beside the windows, which end at different lengths.
        self._begun = deque[float](maxlen=0) if begun is None else begun
        self._longest = longest
        self._monotonic = monotonic
        self._sleep = sleep
        self._windows = [
            (limit.seconds * _MARGIN, deque[float](self._begun, maxlen=limit.requests))
            for limit in limits
        ]
        self._at_once = threading.BoundedSemaphore(min(limit.concurrent for limit in limits))
        # Held while waiting too: turns come one after the other, so whoever waits waits for all.
        self._gate = threading.Lock()
        self._pause_lock = threading.Lock()
        self._paused_to = float("-inf")
        self._until: datetime | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until a request may be sent; the request is made inside."""
        with self._at_once:
            with self._gate:
                while (wait := self._wait()) > 0:
                    self._sleep(wait)
                now = self._monotonic()
                for _, starts in self._windows:
                    starts.append(now)
                self._begun.append(now)
            yield

    def pause(self, seconds: float, until: datetime | None) -> None:
        """No request for so long; a shorter pause does not end a longer one."""
        with self._pause_lock:
            paused_to = self._monotonic() + seconds
            if paused_to > self._paused_to:
                self._paused_to, self._until = paused_to, until

    def note_spent(self, seconds: float, until: datetime | None) -> None:
        """The vendor says that nothing remains for so long. Where that is what we used up
        ourselves, our own turns wait long enough: vendors tell whole seconds, rounded up."""
        if seconds > self._own_turn(self._monotonic()) + _ROUNDING:
            self.pause(seconds, until)

    def _own_turn(self, now: float) -> float:
        return max((_turn(starts, seconds, now) for seconds, starts in self._windows), default=0.0)

    def _wait(self) -> float:
        now = self._monotonic()
        with self._pause_lock:
            paused, until = self._paused_to - now, self._until
        if paused > self._longest:
            raise QuotaReached(
                quota_message(self._name, paused, until), seconds=paused, until=until
            )
        turn = self._own_turn(now)
        if turn > max(self._longest, _LONGEST_TURN):
            raise QuotaReached(quota_message(self._name, turn, None), seconds=turn, until=None)
        return max(paused, turn)


def _turn(starts: deque[float], seconds: float, now: float) -> float:
    """Seconds until a window that is full has room again."""
    return starts[0] + seconds - now if len(starts) == starts.maxlen else 0.0


def quota_message(name: str, seconds: float, until: datetime | None) -> str:
    when = f"until {until:%Y-%m-%d %H:%M:%S %Z}" if until else f"for {seconds:.0f} s"
    return f"{name}: the request quota is used up {when} (run again then)"
