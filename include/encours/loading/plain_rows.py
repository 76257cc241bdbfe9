"""Blocks of a CSV file whose rows go into COPY as they stand.

A clean export holds no quotes, no white space around values and each value in the spelling of the
contract. Its rows are the text of a COPY already, but for the separators and the zeros that end an
amount: finding both by arithmetic on positions takes a third of the time of parsing the block into
columns and joining them again.

This module accepts and never refuses: a block that may need anything else is left to `judge`, and
what comes out is what `judge` and `encode_columns` would give, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from encours.arrow_text import repeated, text
from encours.clients.flat_file_rules import Suspects, check_column, custom_objects, record_keys
from encours.clients.flat_file_schema import (
    MAX_AMOUNT_DECIMALS,
    MAX_IDENTIFIER_CHARS,
    MAX_INTEGER_DIGITS,
    MAX_RATE_DECIMALS,
    MAX_RATE_INTEGER_DIGITS,
    MAX_WHOLE_NUMBER_DIGITS,
    Column,
)
from encours.clients.flat_files import Block, FlatBatch, FlatFile
from encours.loading.encoding import copy_escaped, encode_columns, joined_rows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Octets = NDArray[np.uint8]

_TAB, _LF, _CR, _SPACE, _DOT, _ZERO = b"\t\n\r .0"
_NOTHING_RARE = Suspects(controls=False, backslashes=False, bars=False)
_DECIMALS = ("amount", "rate", "number", "integer")
# White space beyond ASCII is trimmed, too. All of it begins with one of these bytes, which no
# letter of a western European language does.
_LEADS_OF_SPACES = b"\xc2\xe1\xe2\xe3"
_ODD_SPACE = re.compile(
    rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2(?:\x80[\x80-\x8a\xa8\xa9\xaf]|\x81\x9f)|\xe3\x80\x80"
)


@dataclass(frozen=True)
class EncodedRows:
    """Some rows of a file as bytes of a COPY of `copied_columns`, with their keys."""

    copied: memoryview
    keys: pa.Array
    entities: frozenset[str]


def copied_columns(file: FlatFile) -> tuple[str, ...]:
    """What a COPY of this file names: in the file's own order, without what it leaves empty."""
    known = [name for name in file.header if file.stream.column(name)]
    implied = [column.name for column in _implied(file)]
    custom = ["custom"] if file.custom_columns else []
    return ("record_key", "line_no", *known, *implied, *custom)


def encode_judged(file: FlatFile, batch: FlatBatch) -> EncodedRows:
    """The usable rows of a batch."""
    entities: frozenset[str] = frozenset()
    if file.stream.column("entity_id"):
        entities = _distinct(batch.table.column("entity_id"))
    (keys,) = batch.table.column("record_key").chunks or [repeated("", 0)]
    return EncodedRows(encode_columns(batch.table, copied_columns(file)), keys, entities)


def encode_plain(file: FlatFile, block: Block) -> EncodedRows | None:
    """The rows of a block as they stand; None when one of them may have to be changed, refused or
    passed over."""
    grid = _grid(file, block)
    if grid is None:
        return None
    surplus: dict[int, Numbers] = {}
    for position, name in enumerate(file.header):
        column = file.stream.column(name)
        if column is None:
            continue
        if not _is_filled_enough(column, grid, position):
            return None
        if column.kind in _DECIMALS:
            zeros = _surplus_zeros(column, grid.values(position))
            if zeros is None:
                return None
            surplus[position] = zeros
        elif not _is_well_spelled(column, grid, position):
            return None
    return _encoded(file, block, grid, surplus)


def _implied(file: FlatFile) -> list[Column]:
    """The columns that the file does not have, and whose absence means something."""
    return [
        column
        for column in file.stream.columns
        if column.default and column.name not in file.header
    ]


def _distinct(values: pa.Array | pa.ChunkedArray) -> frozenset[str]:
    import pyarrow.compute as pc

    return frozenset(pc.unique(values).to_pylist())


# ---------------------------------------------------------------- where the values stand


@dataclass(frozen=True)
class _Grid:
    """Where each value begins and ends (exclusive), by row and column of the file."""

    octets: Octets
    starts: Numbers
    stops: Numbers

    def values(self, position: int) -> pa.Array:
        """The values of one column."""
        return _slices(self.octets, self.starts[:, position], self.stops[:, position])


def _grid(file: FlatFile, block: Block) -> _Grid | None:
    import numpy as np

    rows, columns = len(block.line_numbers), len(file.header)
    if not rows or block.refused or _holds_odd_signs(block):
        return None
    octets = np.frombuffer(block.body, dtype=np.uint8)
    is_end = octets == ord(file.delimiter)
    is_end |= octets == _LF
    ends = np.flatnonzero(is_end)
    if len(ends) != rows * columns:
        return None
    ends_line = (octets[ends] == _LF).reshape(rows, columns)
    if not ends_line[:, -1].all() or np.count_nonzero(ends_line) != rows:
        return None
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    stops = ends.reshape(rows, columns)
    if b"\r" in block.body:
        if block.body.count(b"\r") != rows or not (octets[stops[:, -1] - 1] == _CR).all():
            return None
        stops[:, -1] -= 1
    if _has_blanks_around(octets, ord(file.delimiter)):
        return None
    return _Grid(octets, starts.reshape(rows, columns), stops)


def _holds_odd_signs(block: Block) -> bool:
    suspects, body = block.suspects, block.body
    if suspects.controls or suspects.backslashes or suspects.bars or b'"' in body:
        return True
    if body.isascii() or len(body.translate(None, _LEADS_OF_SPACES)) == len(body):
        return False
    return _ODD_SPACE.search(body) is not None


def _has_blanks_around(octets: Octets, delimiter: int) -> bool:
    """Whether a value begins or ends with a blank. The last byte is a line end."""
    import numpy as np

    blanks = np.flatnonzero(octets == _SPACE)
    if not len(blanks):
        return False
    edges = np.zeros(256, dtype=bool)
    edges[[delimiter, _LF, _CR]] = True
    # Before the first byte comes the last one: a line end, as it is before a row.
    return bool(edges[octets[blanks - 1]].any() or edges[octets[blanks + 1]].any())


def _slices(octets: Octets, starts: Numbers, stops: Numbers) -> pa.Array:
    """The texts between these positions."""
    import numpy as np
    import pyarrow as pa

    # Every other text is what lies between two of them: an Arrow array leaves no gaps.
    offsets = np.empty(2 * len(starts) + 1, dtype=np.int32)
    offsets[:-1:2] = starts
    offsets[1::2] = stops
    offsets[-1] = stops[-1]
    with_gaps = pa.StringArray.from_buffers(
        2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(octets)
    )
    return with_gaps.take(_integers(np.arange(0, 2 * len(starts), 2)))


def _integers(numbers: Numbers) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


# ---------------------------------------------------------------- whether they may stay so


def _is_filled_enough(column: Column, grid: _Grid, position: int) -> bool:
    if not (column.required or column.default):
        return True
    return bool((grid.starts[:, position] < grid.stops[:, position]).all())


def _is_well_spelled(column: Column, grid: _Grid, position: int) -> bool:
    import pyarrow.compute as pc

    if column.kind == "text" and not column.allowed:
        # A character takes at least one byte: bytes within the limit need no counting.
        lengths = grid.stops[:, position] - grid.starts[:, position]
        return not column.is_identifier or lengths.max() <= MAX_IDENTIFIER_CHARS
    # Words, codes and days repeat: each spelling is judged once.
    distinct = pc.unique(grid.values(position))
    checked = check_column(column, distinct, _NOTHING_RARE)
    return checked.refused is None and bool(checked.values.equals(distinct))


def _surplus_zeros(column: Column, values: pa.Array) -> Numbers | None:
    """How many last characters of each number say nothing (the 0 of 1.50, the .00 of 2.00); None
    unless all are digits with at most one dot, as the contract admits them."""
    import numpy as np

    offsets, octets = _buffers(values)
    lengths = np.diff(offsets).astype(np.int64)
    first = octets[np.minimum(offsets[:-1], len(octets) - 1)] if len(octets) else lengths
    signs = np.flatnonzero(octets - np.uint8(_ZERO) > 9)
    dotted = np.searchsorted(offsets, signs, side="right") - 1
    if (octets[signs] != _DOT).any() or (np.diff(dotted) == 0).any():
        return None
    whole, fraction = lengths.copy(), np.zeros_like(lengths)
    whole[dotted] = signs - offsets[dotted]
    fraction[dotted] = lengths[dotted] - whole[dotted] - 1
    if not _are_within_limits(column, whole, fraction, lengths, dotted):
        return None
    begins_with_zero = (lengths > 0) & (first == _ZERO)
    if (begins_with_zero & (whole > 1)).any():
        return None
    surplus = np.zeros_like(lengths)
    rows = dotted
    while len(rows):
        rows = rows[octets[offsets[rows + 1] - 1 - surplus[rows]] == _ZERO]
        surplus[rows] += 1
        rows = rows[surplus[rows] < fraction[rows]]
    nothing_left = dotted[surplus[dotted] == fraction[dotted]]
    surplus[nothing_left] += 1
    refuses_zero = column.kind in ("rate", "integer") or column.refuses_zero
    if refuses_zero and (begins_with_zero & (lengths - surplus == 1)).any():
        return None
    return surplus


def _are_within_limits(
    column: Column, whole: Numbers, fraction: Numbers, lengths: Numbers, dotted: Numbers
) -> bool:
    if column.kind == "integer":
        return not len(dotted) and bool(whole.max() <= MAX_WHOLE_NUMBER_DIGITS)
    is_rate = column.kind == "rate"
    most_whole = MAX_RATE_INTEGER_DIGITS if is_rate else MAX_INTEGER_DIGITS
    most_decimals = MAX_RATE_DECIMALS if is_rate else MAX_AMOUNT_DECIMALS
    return bool(
        whole.max() <= most_whole
        and (whole[dotted] > 0).all()
        and (fraction[dotted] > 0).all()
        and fraction.max() <= most_decimals
    )


def _buffers(values: pa.Array) -> tuple[NDArray[np.int32], Octets]:
    import numpy as np

    _, offsets, data = values.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[: len(values) + 1]
    octets = np.frombuffer(data, dtype=np.uint8)[: ends[-1]] if ends[-1] else np.empty(0, np.uint8)
    return ends, octets


# ---------------------------------------------------------------- the bytes of the COPY


def _encoded(file: FlatFile, block: Block, grid: _Grid, surplus: dict[int, Numbers]) -> EncodedRows:
    import numpy as np
    import pyarrow.compute as pc

    count = len(block.line_numbers)
    parts = {
        name: grid.values(file.header.index(name))
        if name in file.header
        else repeated(column.default, count)
        for name in {*file.stream.key_columns, "entity_id"}
        if (column := file.stream.column(name))
    }
    keys = record_keys([parts[name] for name in file.stream.key_columns], _NOTHING_RARE)
    lines = pc.cast(_integers(np.asarray(block.line_numbers, dtype=np.int64)), "string")
    entities = _distinct(parts["entity_id"]) if "entity_id" in parts else frozenset()
    known = _known_columns(file, grid, surplus)
    return EncodedRows(joined_rows(keys, lines, *known), keys, entities)


def _known_columns(
    file: FlatFile, grid: _Grid, surplus: dict[int, Numbers]
) -> list[pa.Array | pa.Scalar]:
    """The columns of the file side by side as they stand, then what it leaves out, then `custom`;
    the last of them with the line end."""
    clean = _cleaned(grid, ord(file.delimiter), surplus)
    runs = list(_runs(file, are_known=True))
    implied = [text(column.default) for column in _implied(file)]
    if runs == [(0, len(file.header) - 1)] and not implied:
        return [clean.whole_rows()]
    pieces = [*(clean.slices(*run) for run in runs), *implied]
    if file.custom_columns:
        return [*pieces, _custom(file, grid)]
    *others, last = pieces
    end = text("\n") if implied else repeated("\n", len(grid.starts))
    return [*others, _joined(last, end)]


def _joined(*pieces: pa.Array | pa.Scalar) -> pa.Array | pa.Scalar:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(*pieces, text(""))


@dataclass(frozen=True)
class _Clean:
    """The grid's values with tabs between them, without surplus zeros and carriage returns.

    `before` is how many bytes were dropped in the rows above each row, `surplus` how many at the
    end of each value, by column.
    """

    octets: Octets
    grid: _Grid
    before: Numbers
    surplus: dict[int, Numbers]

    def slices(self, first: int, last: int) -> pa.Array:
        """From the beginning of one column to the end of another."""
        starts = self.grid.starts[:, first] - self.before
        stops = self.grid.stops[:, last] - self.before
        for position, zeros in self.surplus.items():
            if position < first:
                starts -= zeros
            if position <= last:
                stops -= zeros
        return _slices(self.octets, starts, stops)

    def whole_rows(self) -> pa.Array:
        """Each row with its line end, without copying any."""
        import numpy as np
        import pyarrow as pa

        starts = self.grid.starts[:, 0] - self.before
        offsets = np.append(starts, len(self.octets)).astype(np.int32)
        return pa.StringArray.from_buffers(
            len(starts), pa.py_buffer(offsets), pa.py_buffer(self.octets)
        )


def _cleaned(grid: _Grid, delimiter: int, surplus: dict[int, Numbers]) -> _Clean:
    import numpy as np

    octets = grid.octets - (grid.octets == delimiter) * np.uint8(delimiter - _TAB)
    ends = grid.stops[:, -1]
    dropped = (octets[ends] == _CR).astype(np.int64)
    surplus = {position: zeros for position, zeros in surplus.items() if zeros.any()}
    if not surplus and not dropped.any():
        return _Clean(octets, grid, dropped, {})
    kept = np.ones(len(octets), dtype=bool)
    kept[ends[dropped > 0]] = False
    for position, zeros in surplus.items():
        dropped += zeros
        (rows,) = zeros.nonzero()
        for back in range(1, int(zeros.max()) + 1):
            rows = rows[zeros[rows] >= back]
            kept[grid.stops[rows, position] - back] = False
    return _Clean(octets[kept], grid, np.cumsum(dropped) - dropped, surplus)


def _runs(file: FlatFile, *, are_known: bool) -> Iterator[tuple[int, int]]:
    """First and last position of the columns that stand side by side, of the contract or not."""
    is_known = [file.stream.column(name) is not None for name in file.header]
    for known, run in groupby(range(len(is_known)), key=is_known.__getitem__):
        positions = list(run)
        if known is are_known:
            yield positions[0], positions[-1]


def _custom(file: FlatFile, grid: _Grid) -> pa.Array:
    """The JSON object of each row's own columns, with its line end. Attributes repeat: each
    combination is written once."""
    import numpy as np
    import pyarrow.compute as pc

    runs = [
        _slices(grid.octets, grid.starts[:, first], grid.stops[:, last])
        for first, last in _runs(file, are_known=False)
    ]
    whole = pc.binary_join_element_wise(*runs, text(file.delimiter)) if runs[1:] else runs[0]
    encoded = pc.dictionary_encode(whole)
    distinct, width = encoded.dictionary, len(file.custom_columns)
    fields = pc.list_flatten(pc.split_pattern(distinct, file.delimiter))
    columns = {
        name: fields.take(_integers(np.arange(position, len(fields), width)))
        for position, name in enumerate(file.custom_columns)
    }
    objects = copy_escaped(custom_objects(columns, len(distinct), _NOTHING_RARE))
    return _joined(objects, text("\n")).take(encoded.indices)
