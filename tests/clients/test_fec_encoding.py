"""The byte stream for COPY gives every value back, however hostile."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encours.arrow_text import integer_array, text_array
from encours.loading.encoding import encode_batch, encode_columns

HOSTILE = '\x00\x01\x08\t\n\x0b\x0c\r\x1e\x1f "\\/|;,{}[]:\x7f\x85\u2028é€😀\ufeff'
TEXTS = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=["Cs"])))
TABLES = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=12)
NAMES = ("a", "b", 'c"\\')


def table_of(rows: list[tuple[str, str, str]]):  # type: ignore[no-untyped-def]
    import pyarrow as pa

    arrays = [text_array(row[position] for row in rows) for position in range(3)]
    return pa.Table.from_arrays(arrays, names=list(NAMES))


def encoded(rows: list[tuple[str, str, str]], **options: object) -> list[list[str]]:
    """The fields of each row, split as COPY splits them."""
    stream = encode_batch(
        table_of(rows),
        record_key=text_array(f"k{number}" for number in range(len(rows))),
        line_no=integer_array(range(len(rows))),
        payload_columns=NAMES,
        **options,  # type: ignore[arg-type]
    )
    text = bytes(stream).decode()
    assert text.endswith("\n")
    return [line.split("\x1f") for line in text[:-1].split("\n")]


def kept(value: str) -> str:
    """PostgreSQL cannot store NUL, so it is dropped."""
    return value.replace("\0", "")


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_an_object_payload_gives_back_the_values_that_are_not_empty(
    rows: list[tuple[str, str, str]],
) -> None:
    fields = encoded(rows)

    assert [field[:2] for field in fields] == [
        [f"k{number}", str(number)] for number in range(len(rows))
    ]
    for row, field in zip(rows, fields, strict=True):
        expected = {
            name: kept(value) for name, value in zip(NAMES, row, strict=True) if kept(value)
        }
        assert json.loads(field[2]) == expected
        assert not any(ord(sign) < 32 for sign in field[2])


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_an_array_payload_gives_back_every_value(rows: list[tuple[str, str, str]]) -> None:
    for row, field in zip(rows, encoded(rows, shape="array"), strict=True):
        assert json.loads(field[2]) == [kept(value) for value in row]


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


@settings(max_examples=50, deadline=None)
@given(TABLES)
def test_the_hash_is_the_md5_of_the_payload(rows: list[tuple[str, str, str]]) -> None:
    for _, _, payload, digest in encoded(rows, with_hash=True):
        assert digest == hashlib.md5(payload.encode(), usedforsecurity=False).hexdigest()


def test_rows_without_any_value_keep_their_place() -> None:
    rows = [("", "", ""), ("x", "", ""), ("", "", "\0"), ("", "y", ""), ("", "", "")]

    assert [field[2] for field in encoded(rows)] == ["{}", '{"a":"x"}', "{}", '{"b":"y"}', "{}"]


def test_a_table_of_empty_values_gives_empty_objects() -> None:
    assert [field[2] for field in encoded([("", "", ""), ("", "", "")])] == ["{}", "{}"]


def test_nulls_and_numbers_are_taken_as_text() -> None:
    import pyarrow as pa

    table = pa.table({"a": pa.array([None, "x"]), "n": pa.array([7, None])})
    stream = encode_batch(
        table,
        record_key=text_array(["k1", "k2"]),
        line_no=integer_array([1, 2]),
        payload_columns=["a", "n"],
    )

    assert bytes(stream) == b'k1\x1f1\x1f{"n":"7"}\nk2\x1f2\x1f{"a":"x"}\n'


def test_slices_and_chunks_are_encoded_like_whole_tables() -> None:
    import pyarrow as pa

    rows = [(f"é{number}", '"', "") for number in range(10)]
    table = table_of(rows)
    cut = pa.concat_tables([table.slice(2, 3), table.slice(7, 2)])
    stream = encode_batch(
        cut,
        record_key=pa.chunked_array([text_array("abc"), text_array("de")]),
        line_no=integer_array(range(5)),
        payload_columns=["a", "b"],
    )

    lines = bytes(stream).decode().split("\n")
    assert [line.partition("\x1f")[0] for line in lines[:-1]] == list("abcde")
    assert json.loads(lines[3].split("\x1f")[2]) == {"a": "é7", "b": '"'}


def test_an_empty_table_gives_no_bytes() -> None:
    stream = encode_batch(
        table_of([("x", "y", "z")]).slice(0, 0),
        record_key=text_array([]),
        line_no=integer_array([]),
        payload_columns=NAMES,
    )

    assert bytes(stream) == b""


def test_a_key_with_a_control_character_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        encode_batch(
            table_of([("x", "y", "z")]),
            record_key=text_array(["k\x1f1"]),
            line_no=integer_array([1]),
            payload_columns=NAMES,
        )
