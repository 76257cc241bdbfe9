"""Arrow tables of text → the byte stream of a PostgreSQL COPY, by kernels.

Two forms. `encode_batch` makes one JSON text per row for a raw table; `encode_columns` makes plain
columns, which PostgreSQL reads two to three times faster than a jsonb object with long keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Literal

from encours.arrow_text import (
    bytes_of,
    json_items,
    json_members,
    one_array,
    text,
    text_array,
)

if TYPE_CHECKING:
    import pyarrow as pa

_FIELD_END = "\x1f"
Shape = Literal["object", "array"]

# JSON escapes every control character, so neither sign can occur inside a payload and no field
# ever needs quoting.
PAYLOAD_COPY_OPTIONS = "(format csv, delimiter E'\\x1f', quote E'\\x1e', null '')"
# The default text format of COPY: tab, newline and backslash are escaped with a backslash.
COLUMNS_COPY_OPTIONS = "(format text, null '\\N')"
# The same, where an empty text means that there is no value.
NULLABLE_COPY_OPTIONS = "(format text, null '')"


def encode_batch(
    table: pa.Table,
    *,
    record_key: pa.Array,
    line_no: pa.Array,
    payload_columns: Sequence[str],
    with_hash: bool = False,
    shape: Shape = "object",
) -> memoryview:
    """Rows of record_key, line_no, payload (and the md5 of the payload), for PAYLOAD_COPY_OPTIONS.

    `shape` object: only the non-empty columns, keyed by their names. Array: every column, in the
    order of `payload_columns`. Nulls count as empty.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = one_array(record_key)
    _check_keys(keys)
    columns = [(name, _texts(table, name)) for name in payload_columns]
    if shape == "array":
        inner = json_items([values for _, values in columns])
        before, after = '["', '"]'
    else:
        inner = json_members(columns, table.num_rows)
        before, after = "{", "}"
    row = [keys, text(_FIELD_END), pc.cast(one_array(line_no), pa.string())]
    if not with_hash:
        return _stream(*row, text(f"{_FIELD_END}{before}"), inner, text(f"{after}\n"), text(""))
    payload = pc.binary_join_element_wise(text(before), inner, text(after), text(""))
    end = text(_FIELD_END)
    return _stream(*row, end, payload, end, _md5(payload), text("\n"), text(""))


def encode_columns(table: pa.Table, columns: Sequence[str]) -> memoryview:
    """The columns as text, for COLUMNS_COPY_OPTIONS; numbers are written as such."""
    import pyarrow.compute as pc

    fields = [_copy_escaped(_texts(table, name)) for name in columns]
    fields[-1] = pc.binary_join_element_wise(fields[-1], text("\n"), text(""))
    return _stream(*fields, text("\t"))


def _texts(table: pa.Table, name: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = one_array(table.column(name))
    if not pa.types.is_string(values.type):
        values = pc.cast(values, pa.string())
    return pc.fill_null(values, text("")) if values.null_count else values


def _copy_escaped(values: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    data = bytes_of(values)
    if data is None:
        return values
    raw = data.to_pybytes()
    # Backslash first: the other escapes bring backslashes of their own.
    for sign, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "")):
        if sign.encode() in raw:
            values = pc.replace_substring(values, sign, escape)
    return values


def _stream(*pieces: pa.Array | pa.Scalar) -> memoryview:
    """The rows one after the other: the data buffer of the joined array is the stream itself."""
    import pyarrow.compute as pc

    data = bytes_of(pc.binary_join_element_wise(*pieces))
    return memoryview(b"") if data is None else memoryview(data)


def _check_keys(record_key: pa.Array) -> None:
    import pyarrow.compute as pc

    if record_key.null_count:
        raise ValueError("a record key is null")
    if pc.any(pc.match_substring_regex(record_key, "[\\x00-\\x1f]")).as_py():
        raise ValueError("a record key holds a control character")


def _md5(payload: pa.Array) -> pa.Array:
    """The md5 of each text in hexadecimal, taken from the buffer without making Python texts."""
    data = bytes_of(payload)
    raw = memoryview(b"" if data is None else data)
    ends = accumulate(_lengths(payload), initial=0)
    return text_array(
        hashlib.md5(raw[start:end], usedforsecurity=False).hexdigest()
        for start, end in pairwise(ends)
    )


def _lengths(values: pa.Array) -> list[int]:
    import pyarrow.compute as pc

    lengths: list[int] = pc.binary_length(values).to_pylist()
    return lengths
