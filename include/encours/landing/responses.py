"""What an API answered, landed unchanged: JSON lines of exchanges, one manifest per run and entity.

`<home>/landing/<source>/<entity>/run=<id>/<stream>/page-00001.jsonl.gz`. A page file ends where it
has reached `PAGE_BYTES`, so that neither who writes nor who reads holds more than one of them.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from encours.clients.api import Exchange, Window
from encours.errors import FatalError, disk_errors
from encours.landing.store import (
    MANIFEST,
    begin_folder,
    finish_folder,
    folder_name,
    partial_folder,
    write_file,
)
from encours.settings import Settings

PAGE_BYTES = 8 << 20
# Three quarters of what the slowest level saves, in a fifth of its time.
_GZIP_LEVEL = 1


@dataclass(frozen=True)
class ResponsePage:
    """One page file. `byte_count` and `sha256` are those of the file."""

    name: str
    exchange_count: int
    byte_count: int
    sha256: str


@dataclass(frozen=True)
class LandedResponses:
    """One reading of a stream. `since` is what its window began with (None: everything).

    `record_count` says how many records the answers held, None where nobody counted. `byte_count`
    counts the bodies as they were answered; `answered_at` is the earliest moment of
    the source's clock among the answers, `stated_total` the greatest total that one of them stated.
    """

    name: str
    since: datetime | None
    pages: tuple[ResponsePage, ...] = ()
    exchange_count: int = 0
    byte_count: int = 0
    record_count: int | None = None
    answered_at: datetime | None = None
    stated_total: int | None = None

    @property
    def is_full(self) -> bool:
        return self.since is None


@dataclass(frozen=True)
class ResponseManifest:
    """What one run landed of one entity. `company_id` is the source's own id of the company that
    the credentials opened, `landed_at` a moment of this machine's clock."""

    source: str
    entity_id: str
    company_id: str
    run_id: str
    landed_at: datetime
    streams: tuple[LandedResponses, ...]
    folder: str

    @property
    def byte_count(self) -> int:
        return sum(stream.byte_count for stream in self.streams)

    @property
    def exchange_count(self) -> int:
        return sum(stream.exchange_count for stream in self.streams)

    def exchanges(self, stream: str) -> Iterator[Exchange]:
        """The answers of a stream, in the order in which they came; none where it was not read.
        FatalError where a page file is not what was landed."""
        for landed in self.streams:
            if landed.name == stream:
                for page in landed.pages:
                    yield from _read_page(Path(self.folder) / stream / page.name, page)


class ResponseLanding:
    """Where the answers of one run and entity are written; see `land_responses`."""

    def __init__(self, folder: Path, partial: Path) -> None:
        self.folder = folder
        self._partial = partial
        self._streams: dict[str, StreamLanding] = {}

    def stream(self, name: str, window: Window) -> StreamLanding:
        """Where to write the answers of one stream. Asked for again (a window that was too old is
        read whole instead), it replaces what was written of this stream."""
        folder = self._partial / name
        with disk_errors(self.folder):
            if name in self._streams:
                shutil.rmtree(folder)
            folder.mkdir()
        self._streams[name] = StreamLanding(folder, LandedResponses(name, window.since))
        return self._streams[name]

    def finish(self) -> tuple[LandedResponses, ...]:
        return tuple(stream.finish() for stream in self._streams.values())


class StreamLanding:
    """The answers of one stream, written page file by page file."""

    def __init__(self, folder: Path, landed: LandedResponses) -> None:
        self._folder = folder
        self._landed = landed
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, exchange: Exchange, record_count: int | None = None) -> None:
        """`record_count` is the number of records in it, where that is known."""
        line = _LINES.encode(_line(exchange))
        self._lines.append(line)
        self._size += len(line) + 1
        before = self._landed
        self._landed = replace(
            before,
            exchange_count=before.exchange_count + 1,
            byte_count=before.byte_count + len(exchange.body),
            record_count=(
                before.record_count
                if record_count is None
                else (before.record_count or 0) + record_count
            ),
            answered_at=min(filter(None, (before.answered_at, exchange.answered_at)), default=None),
            stated_total=max(
                (
                    total
                    for total in (before.stated_total, exchange.stated_total)
                    if total is not None
                ),
                default=None,
            ),
        )
        if self._size >= PAGE_BYTES:
            self._write_page()

    def finish(self) -> LandedResponses:
        if self._lines:
            self._write_page()
        return self._landed

    def _write_page(self) -> None:
        name = f"page-{len(self._landed.pages) + 1:05d}.jsonl.gz"
        count = len(self._lines)
        content = gzip.compress(b"\n".join([*self._lines, b""]), _GZIP_LEVEL, mtime=0)
        self._lines.clear()
        self._size = 0
        with disk_errors(self._folder):
            write_file(self._folder / name, content)
        page = ResponsePage(name, count, len(content), hashlib.sha256(content).hexdigest())
        self._landed = replace(self._landed, pages=(*self._landed.pages, page))


@contextmanager
def land_responses(
    settings: Settings, source: str, entity_id: str, run_id: str, company_id: str
) -> Iterator[ResponseLanding]:
    """Write what is answered; when the context ends well, the folder appears with its manifest
    (`read_responses(landing.folder)`), otherwise nothing does. FatalError on a full disk."""
    folder = settings.landing_dir / source / folder_name(entity_id) / f"run={run_id}"
    with disk_errors(folder):
        partial = begin_folder(folder)
    landing = ResponseLanding(folder, partial)
    try:
        yield landing
        streams = landing.finish()
        manifest = ResponseManifest(
            source, entity_id, company_id, run_id, datetime.now(UTC), streams, str(folder)
        )
        with disk_errors(folder):
            finish_folder(folder, msgspec.json.format(msgspec.json.encode(manifest)))
    except BaseException:
        shutil.rmtree(partial_folder(folder), ignore_errors=True)
        raise


def read_responses(folder: Path) -> ResponseManifest:
    content = (folder / MANIFEST).read_bytes()
    return replace(msgspec.json.decode(content, type=ResponseManifest), folder=str(folder))


# ---------------------------------------------------------------- lines


class _Line(msgspec.Struct, omit_defaults=True):
    """An exchange. A body that is not UTF-8 is kept in base64, so that no byte is lost."""

    request: str
    body: str = ""
    body_base64: bytes = b""
    answered_at: datetime | None = None
    stated_total: int | None = None


_LINES = msgspec.json.Encoder()
_READ_LINE = msgspec.json.Decoder(_Line)


def _line(exchange: Exchange) -> _Line:
    line = _Line(
        exchange.request,
        answered_at=exchange.answered_at,
        stated_total=exchange.stated_total,
    )
    try:
        line.body = exchange.body.decode()
    except UnicodeDecodeError:
        line.body_base64 = exchange.body
    return line


def _read_page(path: Path, page: ResponsePage) -> Iterator[Exchange]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FatalError(f"{path} cannot be read: {error.strerror}; run again") from error
    if hashlib.sha256(content).hexdigest() != page.sha256:
        raise FatalError(f"{path} is not what was landed, its sha256 differs: run again")
    for text in gzip.decompress(content).splitlines():
        line = _READ_LINE.decode(text)
        yield Exchange(
            line.request,
            line.body_base64 or line.body.encode(),
            line.answered_at,
            line.stated_total,
        )
