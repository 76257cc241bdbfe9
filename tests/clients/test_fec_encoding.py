"""The byte stream for COPY gives every value back, however hostile."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from encours.arrow_text import json_members, text_array
from encours.loading.encoding import encode_columns

HOSTILE = '\x00\x01\x08\t\n\x0b\x0c\r\x1e\x1f "\\/|;,{}[]:\x7f\x85\u2028é€😀\ufeff'
TEXTS = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=["Cs"])))
TABLES = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=12)
NAMES = ("a", "b", 'c"\\')


def table_of(rows: list[tuple[str, str, str]]):  # type: ignore[no-untyped-def]
    import pyarrow as pa

    arrays = [text_array(row[position] for row in rows) for position in range(3)]
    return pa.Table.from_arrays(arrays, names=list(NAMES))


def kept(value: str) -> str:
    """PostgreSQL cannot store NUL, so it is dropped."""
    return value.replace("\0", "")


@settings(max_examples=100, deadline=None)
@given(TABLES)
def test_plain_columns_give_back_every_value(rows: list[tuple[str, str, str]]) -> None:
    stream = bytes(encode_columns(table_of(rows), NAMES)).decode()

    lines = stream[:-1].split("\n")
    found = [tuple(copy_text(field) for field in line.split("\t")) for line in lines]
    assert found == [tuple(kept(value) for value in row) for row in rows]


def copy_text(field: str) -> str:
    """A field of the text format of COPY, read back."""
    signs = iter(field)
    known = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    return "".join(known[next(signs)] if sign == "\\" else sign for sign in signs)


def test_nulls_are_empty_and_numbers_are_written_as_such() -> None:
    import pyarrow as pa

    table = pa.table({"a": pa.array([None, "x"]), "n": pa.array([7, None])})

    assert bytes(encode_columns(table, ["n", "a"])) == b"7\t\n\tx\n"


def test_slices_and_chunks_are_encoded_like_whole_tables() -> None:
    import pyarrow as pa

    table = table_of([(f"é{number}", "\t", "") for number in range(10)])
    cut = pa.concat_tables([table.slice(2, 2), table.slice(7, 1)])

    assert bytes(encode_columns(cut, ["a", "b"])).decode() == "é2\t\\t\né3\t\\t\né7\t\\t\n"


def test_an_empty_table_gives_no_bytes() -> None:
    assert bytes(encode_columns(table_of([("x", "y", "z")]).slice(0, 0), NAMES)) == b""


@settings(max_examples=100, deadline=None)
@given(TABLES)
def test_json_members_give_back_the_values_that_are_not_empty(
    rows: list[tuple[str, str, str]],
) -> None:
    columns = [(name, text_array(row[at] for row in rows)) for at, name in enumerate(NAMES)]

    for row, members in zip(rows, json_members(columns, len(rows)).to_pylist(), strict=True):
        expected = {
            name: kept(value) for name, value in zip(NAMES, row, strict=True) if kept(value)
        }
        assert json.loads("{" + members + "}") == expected
        assert not any(ord(sign) < 32 for sign in members)
