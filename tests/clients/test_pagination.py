"""A walk over pages gives every record of a listing, or an error, whatever the source does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from encours.clients.api import Exchange
from encours.clients.json_numbers import read_json, write_json
from encours.clients.pagination import Page, by_cursor, by_offset, by_page
from encours.errors import FatalError, RetryableError

SIZE = 3
COUNTS = pytest.mark.parametrize(
    "records",
    [
        pytest.param(0, id="none"),
        pytest.param(1, id="one"),
        pytest.param(SIZE, id="one full page"),
        pytest.param(SIZE + 1, id="one more than a page"),
        pytest.param(3 * SIZE, id="three pages"),
    ],
)
Change = Callable[["Listing"], None]


class Listing:
    """A source that lists the ids 1..n in pages of three, and may change between two requests."""

    def __init__(
        self,
        records: int,
        *,
        flag: bool = False,
        total: bool = False,
        changes: dict[int, Change] | None = None,
    ) -> None:
        self.ids = [str(number) for number in range(1, records + 1)]
        self.asked: list[int | str | None] = []
        self._flag = flag
        self._total = total
        self._changes = changes or {}
        self.replays: dict[int, int] = {}
        self._answers: list[Page] = []

    def page(self, number: int) -> Page:
        return self._answer(number, lambda: (number - 1) * SIZE)

    def offset(self, offset: int) -> Page:
        return self._answer(offset, lambda: offset)

    def after(self, cursor: str | None) -> Page:
        """The cursor is the last key; ids are listed in their order."""
        return self._answer(cursor, lambda: sum(int(each) <= int(cursor or 0) for each in self.ids))

    def _answer(self, asked: int | str | None, find: Callable[[], int]) -> Page:
        turn = len(self.asked)
        self.asked.append(asked)
        if turn in self._changes:
            self._changes[turn](self)
        start = find()
        keys = self.ids[start : start + SIZE]
        has_next = start + SIZE < len(self.ids)
        page = Page(
            Exchange(f"/{asked}", write_json(keys), None, len(self.ids) if self._total else None),
            keys,
            has_next if self._flag else None,
            keys[-1] if has_next else None,
        )
        if turn in self.replays:
            page = self._answers[self.replays[turn]]
        self._answers.append(page)
        return page


def read(exchanges: Iterator[Exchange]) -> list[str]:
    return [key for exchange in exchanges for key in read_json(exchange.body)]


def ids(records: int) -> list[str]:
    return [str(number) for number in range(1, records + 1)]


# Every record, and no request too many


@COUNTS
def test_pages_end_at_the_flag(records: int) -> None:
    listing = Listing(records, flag=True)

    assert read(by_page(listing.page, what="b")) == ids(records)
    assert listing.asked == list(range(1, max(1, -(-records // SIZE)) + 1))


@COUNTS
def test_pages_end_at_the_stated_total(records: int) -> None:
    listing = Listing(records, total=True)

    assert read(by_page(listing.page, what="b")) == ids(records)
    assert listing.asked == list(range(1, max(1, -(-records // SIZE)) + 1))


@COUNTS
def test_pages_end_at_an_empty_one(records: int) -> None:
    listing = Listing(records)

    assert read(by_page(listing.page, what="b")) == ids(records)
    assert listing.asked == list(range(1, -(-records // SIZE) + 2))


@COUNTS
def test_pages_end_at_a_short_one(records: int) -> None:
    listing = Listing(records)

    assert read(by_page(listing.page, what="b", full_page=SIZE)) == ids(records)
    assert listing.asked == list(range(1, records // SIZE + 2))


def test_pages_may_count_from_zero() -> None:
    listing = Listing(4, flag=True)

    assert read(by_page(lambda number: listing.page(number + 1), what="b", first=0)) == ids(4)


@COUNTS
def test_offsets_end_at_the_flag(records: int) -> None:
    assert read(by_offset(Listing(records, flag=True).offset, what="b")) == ids(records)


@COUNTS
def test_offsets_end_at_the_stated_total(records: int) -> None:
    assert read(by_offset(Listing(records, total=True).offset, what="b")) == ids(records)


@COUNTS
def test_offsets_end_at_an_empty_page(records: int) -> None:
    listing = Listing(records)

    assert read(by_offset(listing.offset, what="b")) == ids(records)
    assert listing.asked == [*range(0, records, SIZE), records]


@COUNTS
@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("full_page", [None, SIZE])
def test_overlapping_offsets_give_every_record(
    records: int, overlap: int, full_page: int | None
) -> None:
    walk = by_offset(Listing(records).offset, what="b", overlap=overlap, full_page=full_page)

    assert list(dict.fromkeys(read(walk))) == ids(records)


def test_offsets_may_count_from_one() -> None:
    listing = Listing(4)

    assert read(by_offset(lambda offset: listing.offset(offset - 1), what="b", first=1)) == ids(4)


@COUNTS
@pytest.mark.parametrize("flag", [False, True])
def test_cursors_are_followed_to_the_end(records: int, flag: bool) -> None:
    listing = Listing(records, flag=flag)

    assert read(by_cursor(listing.after, what="b")) == ids(records)
    assert listing.asked == [None, *ids(records)[SIZE - 1 : -1 : SIZE]]


def test_one_page_is_held_at_a_time() -> None:
    listing = Listing(9, flag=True)
    walk = by_page(listing.page, what="b")

    next(walk)

    assert listing.asked == [1]


# Bounds


def endless(asked: object = None) -> Iterator[Page]:
    for number in count(1):
        yield Page(Exchange(f"/{number}", b"[]"), [str(number)], True, str(number))


@pytest.mark.parametrize("walk", [by_page, by_offset, by_cursor])
def test_listing_without_an_end_is_fatal(walk: Callable[..., Iterator[Exchange]]) -> None:
    pages = endless()

    with pytest.raises(FatalError, match=r"^books_1 invoices: no end after 50 pages"):
        list(walk(lambda _: next(pages), what="books_1 invoices", most_pages=50))


def test_listing_of_exactly_the_bound_is_whole() -> None:
    assert read(by_page(Listing(6, flag=True).page, what="b", most_pages=2)) == ids(6)


def test_last_page_served_for_ever_is_not_read_for_ever() -> None:
    listing = Listing(4)
    asked: list[int] = []

    def clamped(number: int) -> Page:
        asked.append(number)
        return listing.page(min(number, 2))

    with pytest.raises(RetryableError, match="come again and again"):
        list(by_page(clamped, what="b"))
    assert len(asked) < 10


def test_empty_pages_that_announce_more_are_not_read_for_ever() -> None:
    def empty(_: int) -> Page:
        return Page(Exchange("/", b"[]"), [], True)

    with pytest.raises(RetryableError, match="come again and again"):
        list(by_page(empty, what="b"))


def test_cursor_that_leads_back_is_not_followed_for_ever() -> None:
    keys = count()

    def circle(_: str | None) -> Page:
        return Page(Exchange("/", b"[]"), [str(next(keys))], True, "same")

    with pytest.raises(RetryableError, match="the same cursor comes again"):
        list(by_cursor(circle, what="b"))


def test_next_page_without_a_cursor_is_fatal() -> None:
    with pytest.raises(FatalError, match="names no cursor"):
        list(by_cursor(lambda _: Page(Exchange("/", b"[]"), ["1"], True), what="b"))


# A page served twice


@pytest.mark.parametrize("total", [False, True])
@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize(
    ("name", "walk"), [("page", by_page), ("offset", by_offset), ("after", by_cursor)]
)
def test_page_served_twice_is_asked_for_again(
    name: str, walk: Callable[..., Iterator[Exchange]], turn: int, flag: bool, total: bool
) -> None:
    listing = Listing(9, flag=flag, total=total)
    listing.replays = {turn: turn - 1}

    assert read(walk(getattr(listing, name), what="b")) == ids(9)


def test_page_served_twice_is_noticed_with_an_overlap_too() -> None:
    listing = Listing(9)
    listing.replays = {1: 0}

    walk = by_offset(listing.offset, what="b", overlap=1)

    assert list(dict.fromkeys(read(walk))) == ids(9)


# Rows that move while the listing is read


def insert_first(listing: Listing) -> None:
    listing.ids.insert(0, "0")


def insert_page_first(listing: Listing) -> None:
    listing.ids[:0] = ["-2", "-1", "0"]


def delete_first(listing: Listing) -> None:
    del listing.ids[0]


def delete_last(listing: Listing) -> None:
    del listing.ids[-1]


def move_first_to_end(listing: Listing) -> None:
    """What an order by the moment of the last change does."""
    listing.ids.append(listing.ids.pop(0))


@pytest.mark.parametrize("walk", [by_page, by_offset])
@pytest.mark.parametrize("change", [insert_first, insert_page_first])
def test_rows_that_moved_down_come_twice(
    walk: Callable[..., Iterator[Exchange]], change: Change
) -> None:
    listing = Listing(9, changes={1: change})
    fetch = listing.page if walk is by_page else listing.offset

    assert set(ids(9)) <= set(read(walk(fetch, what="b")))


@pytest.mark.parametrize("walk", [by_page, by_offset])
@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize("change", [delete_first, move_first_to_end])
def test_rows_that_moved_up_are_missed_with_an_error(
    walk: Callable[..., Iterator[Exchange]], flag: bool, change: Change
) -> None:
    listing = Listing(9, total=True, flag=flag, changes={1: change})
    fetch = listing.page if walk is by_page else listing.offset

    with pytest.raises(RetryableError, match="the listing moved or repeats, 8 of 9 records came"):
        list(walk(fetch, what="b"))


def test_deletion_behind_what_was_read_is_read_again_to_be_sure() -> None:
    """Nothing tells it from a deletion before: the larger total counts."""
    listing = Listing(9, total=True, changes={1: delete_last})

    with pytest.raises(RetryableError):
        list(by_page(listing.page, what="b"))


def test_overlap_reads_what_moved_up_by_less() -> None:
    listing = Listing(9, changes={1: delete_first})

    assert set(ids(9)) <= set(read(by_offset(listing.offset, what="b", overlap=2)))


def test_overlap_notices_what_moved_up_by_more() -> None:
    def delete_two(listing: Listing) -> None:
        del listing.ids[:2]

    listing = Listing(9, changes={1: delete_two})

    with pytest.raises(RetryableError, match="records moved up"):
        list(by_offset(listing.offset, what="b", overlap=1))


def test_overlap_notices_a_listing_that_shrank_below_the_offset() -> None:
    def delete_most(listing: Listing) -> None:
        del listing.ids[1:]

    listing = Listing(9, changes={2: delete_most})

    with pytest.raises(RetryableError, match="records moved up"):
        list(by_offset(listing.offset, what="b", overlap=1))


@pytest.mark.parametrize("change", [insert_first, delete_first])
def test_walk_by_key_misses_nothing(change: Change) -> None:
    listing = Listing(9, changes={1: change})

    assert read(by_cursor(listing.after, what="b")) == ids(9)
