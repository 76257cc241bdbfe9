"""Text columns in Arrow: literals, arrays and JSON objects, built without a Python loop per row.

`pyarrow.array` and `pyarrow.scalar` import pandas on their first call (two seconds, 60 MB), so
small values are laid out here from buffers.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def text_array(values: Iterable[str]) -> pa.Array:
    """A string array of these values."""
    import pyarrow as pa

    offsets = array("i", [0])
    pieces = []
    end = 0
    for value in values:
        piece = value.encode()
        pieces.append(piece)
        end += len(piece)
        offsets.append(end)
    return pa.StringArray.from_buffers(
        len(pieces), pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(pieces))
    )


def integer_array(values: Iterable[int]) -> pa.Array:
    """An int64 array of these values."""
    import pyarrow as pa

    numbers = array("q", values)
    buffer = pa.py_buffer(numbers.tobytes())
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, buffer])


@lru_cache(maxsize=1024)
def text(value: str) -> pa.Scalar:
    """A string scalar, for the arguments of a kernel."""
    return text_array([value])[0]


@lru_cache(maxsize=1)
def null_text() -> pa.Scalar:
    """The null of the string type."""
    import pyarrow as pa

    return pa.nulls(1, pa.string())[0]


def repeated(value: str, count: int) -> pa.Array:
    """The same text on every row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.fill_null(pa.nulls(count, pa.string()), text(value))


def is_empty(values: pa.Array) -> pa.Array:
    """True where the text is ''."""
    import pyarrow.compute as pc

    return pc.equal(values, text(""))


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column of a table as one array, copied only when it is in pieces."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def bytes_of(values: pa.Array) -> pa.Buffer | None:
    """The bytes of all values one after the other, None when there are none."""
    import pyarrow as pa

    if len(values) == 0 or values.buffers()[2] is None:
        return None
    offsets = pa.Array.from_buffers(
        pa.int32(), len(values) + 1, [None, values.buffers()[1]], offset=values.offset
    )
    start, end = offsets[0].as_py(), offsets[len(values)].as_py()
    return values.buffers()[2].slice(start, end - start) if end > start else None


def json_escaped(values: pa.Array) -> pa.Array:
    """The values as they stand between the quotes of a JSON text; NUL, which PostgreSQL cannot
    store, is dropped."""
    import pyarrow as pa
    import pyarrow.compute as pc

    data = bytes_of(values)
    if data is None:
        return values
    raw = data.to_pybytes()
    if b"\\" in raw:
        values = pc.replace_substring(values, "\\", "\\\\")
    if b'"' in raw:
        values = pc.replace_substring(values, '"', '\\"')
    lowest = pc.min_max(pa.Array.from_buffers(pa.uint8(), data.size, [None, data]))["min"]
    if lowest.as_py() < 0x20:
        for code in range(0x20):
            if bytes([code]) in raw:
                escape = f"\\u{code:04x}" if code else ""
                values = pc.replace_substring(values, chr(code), escape)
    return values


def json_members(columns: Sequence[tuple[str, pa.Array]], count: int) -> pa.Array:
    """`"name":"value",...` of each row, only the non-empty values, in the order given.

    Every row of a column is the same kernel call; the braces are left to the caller, who usually
    joins something else to the row in the same pass.
    """
    import pyarrow.compute as pc

    members = []
    is_blank = None
    for name, values in columns:
        if bytes_of(values) is None:
            continue
        escaped = json_escaped(values)
        empty = is_empty(escaped)
        is_blank = empty if is_blank is None else pc.and_(is_blank, empty)
        filled = pc.if_else(empty, null_text(), escaped)
        key = json.dumps(name, ensure_ascii=False)
        members.append(pc.binary_join_element_wise(text(f'{key}:"'), filled, text('"'), text("")))
    if not members:
        return repeated("", count)
    # Arrow 26 leaves out a row whose members are all null: such a row gets an empty member.
    members[0] = pc.if_else(is_blank, text(""), members[0])
    return pc.binary_join_element_wise(*members, text(","), null_handling="skip")
