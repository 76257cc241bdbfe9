"""Batches made ahead of time come out as they would have without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from encours.errors import BadInput
from encours.loading.prefetch import AHEAD, prefetched


def test_items_come_out_in_order() -> None:
    assert list(prefetched(iter(range(20)))) == list(range(20))


def test_nothing_in_gives_nothing_out() -> None:
    assert list(prefetched([])) == []


def test_items_before_an_error_come_out_and_then_the_error() -> None:
    def two_then_error() -> Iterator[int]:
        yield 1
        yield 2
        raise BadInput("the third cannot be read")

    items = prefetched(two_then_error())

    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(BadInput, match="third"):
        next(items)


def test_no_more_than_a_few_items_wait_in_memory() -> None:
    made: list[int] = []

    def counted() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    items = prefetched(counted())
    for _ in range(3):
        next(items)

    assert len(made) <= 3 + AHEAD + 1


def test_items_are_made_in_another_thread() -> None:
    def where() -> Iterator[int | None]:
        yield threading.current_thread().ident

    assert list(prefetched(where())) != [threading.current_thread().ident]
