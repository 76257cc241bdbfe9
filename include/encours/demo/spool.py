"""Sorting more lines than fit in memory: sorted chunks on disk, merged when read back."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

# All spools together hold at most so many lines in memory ...
_LINES_IN_MEMORY = 60_000
# ... and each one at most so many files, which are open at once when merged.
_MOST_CHUNKS = 64


class Spools:
    """Lines by key; each key's lines come back in text order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: dict[Hashable, list[str]] = {}
        self._chunks: dict[Hashable, list[Path]] = {}
        self._held = 0
        self._files = 0

    def add(self, key: Hashable, line: str) -> None:
        self._pending.setdefault(key, []).append(line)
        self._held += 1
        if self._held >= _LINES_IN_MEMORY:
            self._spill()

    def take(self, key: Hashable) -> Iterator[str]:
        """The lines of a key in order, without line ends; its files are removed afterwards."""
        pending = sorted(self._pending.pop(key, []))
        self._held -= len(pending)
        yield from _merge(self._chunks.pop(key, []), pending)

    def _spill(self) -> None:
        for key, lines in self._pending.items():
            chunks = self._chunks.setdefault(key, [])
            chunks.append(self._write(iter(sorted(lines))))
        self._pending = {}
        self._held = 0
        for key, chunks in self._chunks.items():
            if len(chunks) >= _MOST_CHUNKS:
                self._chunks[key] = [self._write(_merge(chunks, []))]

    def _write(self, lines: Iterator[str]) -> Path:
        self._files += 1
        path = self._folder / f"chunk-{self._files:06d}"
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(f"{line}\n" for line in lines)
        return path


def _merge(chunks: list[Path], pending: list[str]) -> Iterator[str]:
    with ExitStack() as stack:
        files = [stack.enter_context(path.open(encoding="utf-8", newline="\n")) for path in chunks]
        yield from heapq.merge(*[_without_ends(file) for file in files], pending)
    for path in chunks:
        path.unlink()


def _without_ends(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line[:-1]
