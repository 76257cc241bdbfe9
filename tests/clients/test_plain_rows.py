"""A block taken as it stands gives the bytes that judging it gives, or is left to the judge."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encours.clients.flat_files import Block, inspect_directory, judge, read_parts
from encours.loading.plain_rows import EncodedRows, copied_columns, encode_judged, encode_plain

NUMBERS = st.one_of(
    st.from_regex(r"(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,3}|\.0{1,7})?", fullmatch=True),
    st.text(st.sampled_from("0015.-e"), max_size=8),
    st.sampled_from(["999999999999999.999999", "1000000000000000", "1234567890", "0.0000001"]),
)
DAYS = st.sampled_from(["2024-01-31", "2024-02-29", "1899-12-31", "2023-02-30", "2024-01-31 00:00"])
TEXTS = st.one_of(
    st.text(st.sampled_from("ab9"), max_size=4),
    st.text(st.sampled_from("aé€Ã\u00a0\u2019\u2009\u3000|\\\t ."), max_size=4),
)
IDENTIFIERS = st.one_of(st.text(st.sampled_from("ab9-é"), min_size=1, max_size=5), TEXTS)
VALUES = {
    "entity_id": IDENTIFIERS,
    "document_id": IDENTIFIERS,
    "document_type": st.sampled_from(["invoice", "credit_note", "Invoice"]),
    "document_number": TEXTS,
    "customer_id": IDENTIFIERS,
    "issue_date": DAYS,
    "due_date": st.one_of(st.just(""), DAYS),
    "currency_code": st.sampled_from(["EUR", "USD", "eur"]),
    "amount_incl_tax": NUMBERS,
    "amount_excl_tax": st.one_of(st.just(""), NUMBERS),
    "exchange_rate": st.one_of(st.just(""), NUMBERS),
    "status": st.sampled_from(["posted", "void", ""]),
    'My "own"': TEXTS,
    "Other": TEXTS,
}
MANDATORY = (
    "document_id",
    "document_type",
    "customer_id",
    "issue_date",
    "currency_code",
    "amount_incl_tax",
)
CLEAN_HEADER = "document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax"
CLEAN_ROW = "D1,invoice,C1,2024-01-31,EUR,120.50"


@st.composite
def files(draw: st.DrawFn) -> str:
    """A documents file without quotes: mostly clean, in any order of columns."""
    optional = st.sets(st.sampled_from(sorted(set(VALUES) - set(MANDATORY))))
    header = draw(st.permutations([*MANDATORY, *sorted(draw(optional))]))
    delimiter, line_end = draw(st.sampled_from(",;")), draw(st.sampled_from(["\n", "\r\n"]))
    names = ['"My ""own"""' if name == 'My "own"' else name for name in header]
    lines = [delimiter.join(names)]
    strange = draw(st.sets(st.sampled_from(header), max_size=2))
    for number in range(draw(st.integers(1, 5))):
        clean = {
            "entity_id": "fr",
            "document_id": f"D{number}",
            "document_type": "invoice",
            "issue_date": "2024-01-31",
            "currency_code": "EUR",
            "amount_incl_tax": f"{number}.50",
            "status": "posted",
            "customer_id": "C1",
        }
        values = [
            draw(VALUES[name]) if name in strange or name not in clean else clean[name]
            for name in header
        ]
        lines.append(delimiter.join(values))
    return line_end.join([*lines, ""])


def encoded(text: str) -> list[tuple[EncodedRows | None, EncodedRows, int]]:
    """Each block as it stands, as judged, and the rows that the judge did not take."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "documents.csv").write_bytes(text.encode())
        (file,) = inspect_directory(Path(name))
        found = []
        for part in read_parts(file):
            assert isinstance(part, Block)
            batch = judge(file, part)
            left_out = len(batch.refused) + batch.blank_rows
            found.append((encode_plain(file, part), encode_judged(file, batch), left_out))
    return found


@pytest.mark.slow
@settings(
    max_examples=400, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(files())
def test_rows_taken_as_they_stand_are_the_rows_as_judged(text: str) -> None:
    for plain, judged, left_out in encoded(text):
        if plain is None:
            continue
        assert left_out == 0
        assert bytes(plain.copied) == bytes(judged.copied)
        assert plain.keys.equals(judged.keys)
        assert plain.entities == judged.entities


def test_zeros_at_the_end_carriage_returns_and_own_columns_are_taken_along() -> None:
    header = "Area;entity_id;document_id;document_type;customer_id;issue_date;" + (
        "currency_code;amount_incl_tax;amount_excl_tax;Team"
    )
    rows = [
        "north;fr;D1;invoice;C1;2024-01-31;EUR;120.50;100.00;",
        ";fr;D2;invoice;Côte d'Or;2024-02-29;EUR;0.00;;blue",
    ]

    ((plain, _judged, _left_out),) = encoded("\r\n".join([header, *rows, ""]))

    assert plain is not None
    assert bytes(plain.copied).decode().splitlines() == [
        "fr|D1\t2\tfr\tD1\tinvoice\tC1\t2024-01-31\tEUR\t120.5\t100\tposted\t" + '{"Area":"north"}',
        "fr|D2\t3\tfr\tD2\tinvoice\tCôte d'Or\t2024-02-29\tEUR\t0\t\tposted\t" + '{"Team":"blue"}',
    ]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param('"D1",invoice,C1,2024-01-31,EUR,120.50', id="quotes"),
        pytest.param(" D1,invoice,C1,2024-01-31,EUR,120.50", id="a blank before a value"),
        pytest.param("D1\u00a0,invoice,C1,2024-01-31,EUR,120.50", id="a no-break space"),
        pytest.param("D|1,invoice,C1,2024-01-31,EUR,120.50", id="a bar in a key"),
        pytest.param("D\\1,invoice,C1,2024-01-31,EUR,120.50", id="a backslash"),
        pytest.param("D1,invoice,C1,2024-01-31,EUR,0120.50", id="a zero before a number"),
        pytest.param("D1,invoice,C1,2024-01-31,EUR,.5", id="no digit before the dot"),
        pytest.param("D1,invoice,C1,2024-01-31,EUR,-1", id="a sign"),
        pytest.param("D1,invoice,C1,2024-02-30,EUR,1", id="a day that does not exist"),
        pytest.param("D1,invoice,C1,2024-01-31,eur,1", id="a currency in lower case"),
        pytest.param("D1,invoice,,2024-01-31,EUR,1", id="an empty mandatory value"),
        pytest.param("D1,invoice,C1,2024-01-31,EUR", id="too few fields"),
        pytest.param(",,,,,", id="only empty values"),
    ],
)
def test_a_block_with_one_row_to_judge_is_left_to_the_judge(row: str) -> None:
    clean = encoded("\n".join([CLEAN_HEADER, CLEAN_ROW, CLEAN_ROW, ""]))
    doubtful = encoded("\n".join([CLEAN_HEADER, CLEAN_ROW, row, CLEAN_ROW, ""]))

    assert [plain is None for plain, _judged, _left_out in clean] == [False]
    assert [plain is None for plain, _judged, _left_out in doubtful] == [True]


def test_the_copy_names_the_columns_of_the_file_and_what_their_absence_means() -> None:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "documents.csv").write_text(f"{CLEAN_HEADER},Team\n{CLEAN_ROW},blue\n")
        (file,) = inspect_directory(Path(name))

    assert copied_columns(file) == (
        *("record_key", "line_no", *CLEAN_HEADER.split(",")),
        *("entity_id", "status", "custom"),
    )
