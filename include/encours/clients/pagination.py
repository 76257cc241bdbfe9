"""Walks over the pages of a listing: whole, or an error that says why not.

A listing changes while it is read. Rows that come twice do no harm, since loading keeps one version
of each key; rows that are missed do. So a walk knows the keys that it has seen: a page that brings
none is asked for again, since the source may have served another page in its place, and at the end
fewer keys than the source once stated mean that rows slipped through between two pages. A listing
that can be read by its key ("id greater than the last one", `by_cursor`) cannot slip at all; it is
the better choice where a source permits it.

Exchanges come out one at a time; what a walk keeps is one number per key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from encours.clients.api import Exchange
from encours.errors import FatalError, RetryableError

MOST_PAGES = 100_000
# A listing that grows by whole pages at its head while it is read shows known pages for a while.
_MOST_IDLE_PAGES = 3


@dataclass(frozen=True)
class Page:
    """One answer of a listing, as its walk needs it.

    `keys` are those of its records, in their order. `has_next` is what the source says of a next
    page, None where it says nothing; `next_cursor` what asks for it, in a walk by cursor.
    `exchange.stated_total` counts the records of the whole listing, not of the page.
    """

    exchange: Exchange
    keys: Sequence[str]
    has_next: bool | None = None
    next_cursor: str | None = None


def by_page(
    fetch: Callable[[int], Page],
    *,
    what: str,
    first: int = 1,
    full_page: int | None = None,
    most_pages: int = MOST_PAGES,
) -> Iterator[Exchange]:
    """Pages `first`, `first` + 1, ... until the source says that there is no next one; where it
    says nothing, until its stated total is reached, or an empty page comes, or, if `full_page`
    tells how many records a full page has, a shorter one.

    `what` names connection and stream in errors. FatalError beyond `most_pages`; RetryableError
    where the listing repeats or rows were missed.
    """
    walk = _Walk(what, most_pages)
    number = first
    position = 0
    while True:
        page = walk.take(partial(fetch, number))
        yield page.exchange
        position += len(page.keys)
        if _is_last(page, position, full_page):
            break
        number += 1
    walk.check_total()


def by_offset(
    fetch: Callable[[int], Page],
    *,
    what: str,
    first: int = 0,
    full_page: int | None = None,
    overlap: int = 0,
    most_pages: int = MOST_PAGES,
) -> Iterator[Exchange]:
    """Offsets `first`, then as much further as records came (a source may give fewer than asked
    for); the end and the errors are those of `by_page`.

    With `overlap`, each page is asked for that many records earlier: it must begin with a known
    one, so that records that moved up while reading are noticed, or even still read, without a
    stated total. The order must then be a fixed one, such as by id.
    """
    walk = _Walk(what, most_pages)
    position = 0
    while True:
        back = min(overlap, position)
        asked = position - back
        page = walk.take(partial(fetch, first + asked), known_first=back)
        yield page.exchange
        position = asked + len(page.keys)
        if len(page.keys) <= back or _is_last(page, position, full_page):
            break
    walk.check_total()


def by_cursor(
    fetch: Callable[[str | None], Page],
    *,
    what: str,
    most_pages: int = MOST_PAGES,
) -> Iterator[Exchange]:
    """From the page without a cursor along `next_cursor`, until there is none or the source says
    that there is no next page. The cursor may be the last key of a page, where a source lists
    "greater than". Errors as those of `by_page`; FatalError for a next page without a cursor."""
    walk = _Walk(what, most_pages)
    cursor: str | None = None
    while True:
        page = walk.take(partial(fetch, cursor))
        yield page.exchange
        if page.has_next and not page.next_cursor:
            raise FatalError(f"{what}: the source announces a next page and names no cursor")
        if page.has_next is False or not page.next_cursor:
            break
        cursor = walk.follow(page.next_cursor)
    walk.check_total()


def _is_last(page: Page, position: int, full_page: int | None) -> bool:
    if page.has_next is not None:
        return not page.has_next
    total = page.exchange.stated_total
    return (
        not page.keys
        or (total is not None and position >= total)
        or (full_page is not None and len(page.keys) < full_page)
    )


class _Walk:
    """What has been seen so far, and whether that can go on."""

    def __init__(self, what: str, most_pages: int) -> None:
        self._what = what
        self._most_pages = most_pages
        self._pages = 0
        self._idle_pages = 0
        # Hashes: a key may be long, and a listing may hold millions.
        self._keys: set[int] = set()
        self._cursors: set[int] = set()
        self._largest_total: int | None = None

    def take(self, fetch: Callable[[], Page], known_first: int = 0) -> Page:
        """The page, asked for once more if it brings nothing new beyond what it must repeat:
        `known_first` records at its beginning."""
        if self._pages == self._most_pages:
            raise FatalError(
                f"{self._what}: no end after {self._most_pages} pages"
                " (read a shorter period, or larger pages)"
            )
        self._pages += 1
        page = fetch()
        if self._is_suspect(page, known_first):
            page = fetch()
        if known_first and not any(self._knows(key) for key in page.keys[:known_first]):
            raise self._moved("records moved up while it was read")
        self._idle_pages = self._idle_pages + 1 if self._is_suspect(page, known_first) else 0
        if self._idle_pages == _MOST_IDLE_PAGES:
            raise self._moved("the same records come again and again")
        self._keys.update(hash(key) for key in page.keys)
        total = page.exchange.stated_total
        if total is not None:
            self._largest_total = max(total, self._largest_total or 0)
        return page

    def follow(self, cursor: str) -> str:
        if hash(cursor) in self._cursors:
            raise self._moved("the same cursor comes again")
        self._cursors.add(hash(cursor))
        return cursor

    def check_total(self) -> None:
        """The largest total counts: where a record left the listing, those behind it moved up, and
        one may have moved from an unread page to a read one."""
        if self._largest_total is not None and len(self._keys) < self._largest_total:
            missed = f"{len(self._keys)} of {self._largest_total} records came"
            raise self._moved(missed)

    def _is_suspect(self, page: Page, known_first: int) -> bool:
        """An empty page with a next one behind it is as idle as one that is known."""
        if not page.keys:
            return bool(page.has_next) or known_first > 0
        return len(page.keys) > known_first and all(self._knows(key) for key in page.keys)

    def _knows(self, key: str) -> bool:
        return hash(key) in self._keys

    def _moved(self, how: str) -> RetryableError:
        return RetryableError(f"{self._what}: the listing moved or repeats, {how} (run again)")
