"""What a delivery of flat files leaves in raw: versions that name the ones they replace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps

from encours.errors import RetryableError
from encours.orchestration import ingest
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("file_versions")]

HEADER = "document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax"
# Amount, whether deleted, amount of the version that is replaced, whether the first moment stays.
HISTORY = """
select
    versions.amount_incl_tax,
    versions.is_deleted,
    replaced.amount_incl_tax,
    coalesce(versions.first_extracted_at = (
        select min(extracted_at) from raw_files.documents as first_one
        where first_one.record_key = versions.record_key
    ), versions.replaced_version is null)
from raw_files.documents as versions
left join raw_files.documents as replaced on versions.replaced_version = replaced.version_no
where versions.record_key = %s
order by versions.extracted_at
"""


def deliver(home: Settings, folder: Path, documents: dict[str, str], *more: str) -> None:
    """Amounts by document; `more` are further rows."""
    folder.mkdir(exist_ok=True)
    rows = [f"{key},invoice,C1,2025-01-10,EUR,{amount}" for key, amount in documents.items()]
    (folder / "documents.csv").write_text("\n".join([HEADER, *rows, *more]) + "\n")
    steps.ingest_files(home, folder)


def history(home: Settings, document: str) -> list[tuple[Any, ...]]:
    return steps.rows(home, HISTORY, f"main|{document}")


@pytest.fixture
def empty_home(home: Settings) -> Settings:
    steps.empty(home)
    return home


def test_a_row_that_did_not_change_is_not_stored_again(
    empty_home: Settings, tmp_path: Path
) -> None:
    deliver(empty_home, tmp_path / "books", {"I1": "10", "I2": "20"})

    deliver(empty_home, tmp_path / "books", {"I1": "10", "I2": "25"})

    assert history(empty_home, "I1") == [("10", False, None, True)]


def test_a_changed_row_names_the_version_that_it_replaces(
    empty_home: Settings, tmp_path: Path
) -> None:
    for amount in ("20", "25", "20"):
        deliver(empty_home, tmp_path / "books", {"I2": amount})

    assert history(empty_home, "I2") == [
        ("20", False, None, True),
        ("25", False, "20", True),
        ("20", False, "25", True),
    ]


def test_the_run_that_wrote_a_version_is_that_of_the_delivery_of_the_same_moment(
    empty_home: Settings, tmp_path: Path
) -> None:
    for amount in ("20", "25"):
        deliver(empty_home, tmp_path / "books", {"I1": amount})

    runs = steps.rows(
        empty_home,
        "select versions.amount_incl_tax, count(deliveries.run_id), min(deliveries.run_id)"
        " from raw_files.documents as versions"
        " left join raw_files.deliveries on versions.extracted_at = deliveries.extracted_at"
        " group by 1 order by 1",
    )

    assert [(amount, count) for amount, count, _ in runs] == [("20", 1), ("25", 1)]
    assert len({run for _, _, run in runs}) == 2


def test_a_row_that_goes_and_comes_back_is_one_chain(empty_home: Settings, tmp_path: Path) -> None:
    for books in ({"I1": "10", "I2": "20"}, {"I1": "10"}, {"I1": "10", "I2": "20"}):
        deliver(empty_home, tmp_path / "books", books)

    assert history(empty_home, "I2") == [
        ("20", False, None, True),
        ("20", True, "20", True),
        ("20", False, "20", True),
    ]


@pytest.mark.parametrize("deliveries_before", [0, 1])
def test_the_first_row_of_a_key_stays_in_any_delivery(
    empty_home: Settings, tmp_path: Path, deliveries_before: int
) -> None:
    for _ in range(deliveries_before):
        deliver(empty_home, tmp_path / "books", {"I9": "1"})

    deliver(empty_home, tmp_path / "books", {"I1": "10"}, "I1,invoice,C1,2025-01-10,EUR,99")

    refused = "select line_no, column_name, record_key from ops.rejected_row"
    assert history(empty_home, "I1") == [("10", False, None, True)]
    assert steps.rows(empty_home, refused) == [(3, "document_id", "main|I1")]


def test_text_is_stored_as_it_was_written(empty_home: Settings, tmp_path: Path) -> None:
    awkward = 'tab\tand "quote" and \\N and back\\slash\nand line'
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "documents.csv").write_text(
        f"{HEADER},remark\n"
        f'I1,invoice,C1,2025-01-10,EUR,10,"{awkward.replace(chr(34), chr(34) * 2)}"\n'
        "I2,invoice,C1,2025-01-10,EUR,10,\n"
    )

    steps.ingest_files(empty_home, folder)

    assert steps.rows(
        empty_home,
        "select record_key, custom::jsonb ->> 'remark' from raw_files.documents order by 1",
    ) == [("main|I1", awkward), ("main|I2", None)]


def test_a_clock_that_went_back_is_refused_before_anything_is_written(
    empty_home: Settings, tmp_path: Path
) -> None:
    deliver(empty_home, tmp_path / "books", {"I1": "10"})
    with steps.pipeline(empty_home) as connection:
        connection.execute(
            "update raw_files.deliveries set extracted_at = now() + interval '1 hour'"
        )
    run_id = new_run_id()
    landed = ingest.land(empty_home, "files", run_id, [str(tmp_path / "books")])

    with pytest.raises(RetryableError, match="check the clock"):
        ingest.load(empty_home, "files", run_id, landed)

    assert steps.raw_counts(empty_home)["raw_files.documents"] == 1


def test_a_table_that_is_being_read_is_filled_without_waiting(
    empty_home: Settings, tmp_path: Path
) -> None:
    steps.prepare(empty_home)
    with steps.pipeline(empty_home) as reader, reader.transaction():
        reader.execute("select count(*) from raw_files.documents")

        deliver(empty_home, tmp_path / "books", {"I1": "10"})

    assert history(empty_home, "I1") == [("10", False, None, True)]
