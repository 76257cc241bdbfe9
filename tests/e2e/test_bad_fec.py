"""FEC files that cannot be used: one clear line, nothing loaded, the published marts as before."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fec_samples as samples
import pytest
import warehouse_steps as steps

from encours.errors import BadInput
from encours.orchestration import ingest
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bad_fec")]

NEXT_YEAR = "123456789FEC20241231.txt"
Make = Callable[[Path], list[Path]]


@pytest.fixture(scope="module")
def books(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that has loaded one good year and published something."""
    steps.ingest_fec(home, samples.write_fec(tmp_path_factory.mktemp("good")))
    steps.publish_made_up(home, "first", 1)
    return home


def one(folder: Path, content: bytes, name: str = NEXT_YEAR) -> list[Path]:
    path = folder / name
    path.write_bytes(content)
    return [path]


def ledger_with(**values: str) -> bytes:
    """The ledger with one line changed: line 6 of the file."""
    lines = samples.ledger()
    lines[4].update(values)
    return samples.fec_bytes(lines)


def not_a_fec(folder: Path) -> list[Path]:
    return one(folder, b"Dear accountant,\nplease find the figures attached.\n")


def a_pdf(folder: Path) -> list[Path]:
    return one(folder, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")


def missing_columns(folder: Path) -> list[Path]:
    columns = [name for name in samples.LEGAL if name not in ("CompteNum", "PieceDate")]
    return one(folder, samples.fec_bytes(samples.ledger(), columns=columns))


def reordered_columns(folder: Path) -> list[Path]:
    columns = [*samples.LEGAL[:11], "Credit", "Debit", *samples.LEGAL[13:]]
    return one(folder, samples.fec_bytes(samples.ledger(), columns=columns))


def semicolons(folder: Path) -> list[Path]:
    return one(folder, samples.fec_bytes(samples.ledger(), separator=";"))


def dot_decimals(folder: Path) -> list[Path]:
    return one(folder, ledger_with(Credit="200.00"))


def impossible_date(folder: Path) -> list[Path]:
    return one(folder, ledger_with(EcritureDate="20230230"))


def thousands_separators(folder: Path) -> list[Path]:
    return one(folder, ledger_with(Credit="1 200,00"))


def truncated_last_line(folder: Path) -> list[Path]:
    return one(folder, samples.fec_bytes(samples.ledger())[:-60])


def endless_line(folder: Path) -> list[Path]:
    """300 MB without a line end."""
    (path,) = one(folder, samples.fec_bytes(samples.ledger()))
    with path.open("ab") as stream:
        for _ in range(30):
            stream.write(b"x" * 10_000_000)
    return [path]


def empty_file(folder: Path) -> list[Path]:
    return one(folder, b"")


def header_only(folder: Path) -> list[Path]:
    return one(folder, samples.fec_bytes([]))


def two_files_of_one_year(folder: Path) -> list[Path]:
    (folder / "copy").mkdir()
    content = samples.fec_bytes(samples.ledger())
    return [*one(folder / "copy", content), *one(folder, content)]


def good_file_beside_a_bad_one(folder: Path) -> list[Path]:
    good = one(folder, samples.fec_bytes(samples.ledger()), "123456789FEC20221231.txt")
    return [*good, *impossible_date(folder)]


def directory(folder: Path) -> list[Path]:
    (folder / NEXT_YEAR).mkdir()
    return [folder / NEXT_YEAR]


def missing_path(folder: Path) -> list[Path]:
    return [folder / NEXT_YEAR]


# What is made, which words say why, and the line and column that are named if a line is at fault.
REFUSED: list[tuple[Make, str, tuple[int, str] | None]] = [
    (not_a_fec, "this is not a FEC", None),
    (a_pdf, "not a FEC", None),
    (missing_columns, "CompteNum", None),
    (reordered_columns, "Credit", None),
    (semicolons, "the tab or the | sign", None),
    (dot_decimals, "dot used as decimal mark", (6, "Credit")),
    (impossible_date, "no such day", (6, "EcritureDate")),
    (thousands_separators, "thousands separator", (6, "Credit")),
    (truncated_last_line, "the file stops in the middle of this line", (12, "")),
    (endless_line, "the line is longer than", None),
    (empty_file, "the file is empty", None),
    (header_only, "only the header is there", None),
    (two_files_of_one_year, "a second file for the year", None),
    (good_file_beside_a_bad_one, "no such day", (6, "EcritureDate")),
    (directory, "is a folder", None),
    (missing_path, "no such file", None),
]


def refuse(settings: Settings, paths: list[Path]) -> tuple[str, BadInput]:
    """Land and load what must be refused: the run and the error."""
    run_id = new_run_id()
    with pytest.raises(BadInput) as caught:
        land_and_load(settings, run_id, paths)
    return run_id, caught.value


def land_and_load(settings: Settings, run_id: str, paths: list[Path]) -> None:
    folder = ingest.land(settings, "fec", run_id, [str(path) for path in paths])
    ingest.load(settings, "fec", run_id, folder)


def published(settings: Settings) -> list[tuple[Any, ...]]:
    return steps.rows(
        settings,
        "select publication_id, open_company_amount"
        " from marts.publication_info cross join marts.mart_aged_balance",
    )


@pytest.mark.parametrize(
    ("make", "reason", "place"), REFUSED, ids=[row[0].__name__ for row in REFUSED]
)
def test_unusable_file_is_refused_in_one_line_and_leaves_everything_as_it_was(
    books: Settings, tmp_path: Path, make: Make, reason: str, place: tuple[int, str] | None
) -> None:
    paths = make(tmp_path)
    raw_before, marts_before = steps.raw_counts(books), published(books)

    _, error = refuse(books, paths)

    at_line = f", line {place[0]}: " if place else ""
    assert str(error).startswith(f"{paths[-1]}{at_line}")
    assert reason in str(error)
    assert "\n" not in str(error)
    assert error.exit_status == 2
    assert steps.raw_counts(books) == raw_before
    assert published(books) == marts_before


@pytest.mark.parametrize(
    ("make", "reason", "place"), REFUSED, ids=[row[0].__name__ for row in REFUSED]
)
def test_refused_attempt_is_written_down_with_its_lines(
    books: Settings, tmp_path: Path, make: Make, reason: str, place: tuple[int, str] | None
) -> None:
    paths = make(tmp_path)

    run_id, error = refuse(books, paths)

    attempts = steps.rows(
        books,
        "select status, error from ops.extraction where run_id = %s and status <> 'loaded'",
        run_id,
    )
    rejected = steps.rows(
        books,
        "select file_name, line_no, coalesce(column_name, ''), reason from ops.rejected_row"
        " where run_id = %s",
        run_id,
    )
    assert attempts == [("refused", str(error))]
    if place is None:
        assert rejected == []
    else:
        assert [row[:3] for row in rejected] == [(NEXT_YEAR, *place)]
        assert reason in rejected[0][3]


def test_file_without_the_right_to_read_it_is_refused_by_name(
    books: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = one(tmp_path, samples.fec_bytes(samples.ledger()))
    really_open = Path.open

    # Rights do not bind root, who runs these tests in a container.
    def denied(self: Path, *arguments: Any, **more: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", denied)
    _, error = refuse(books, [path])

    assert str(error) == (
        f"{path}: cannot be read, permission denied (give this user the right to read it)"
    )


def test_endless_line_is_refused_soon_and_without_being_held(
    books: Settings, tmp_path: Path
) -> None:
    paths = endless_line(tmp_path)
    held_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()

    refuse(books, paths)

    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held_before < 50_000


def test_refused_file_can_be_mended_and_loaded(books: Settings, tmp_path: Path) -> None:
    (path,) = impossible_date(tmp_path)
    refuse(books, [path])
    before = steps.raw_counts(books)["raw_fec.ledger_lines"]

    path.write_bytes(samples.fec_bytes(samples.ledger()))
    steps.ingest_fec(books, path)

    loaded = steps.raw_counts(books)["raw_fec.ledger_lines"] - before
    assert loaded == len(samples.ledger())


# --- odd, but usable ---------------------------------------------------------------------------


def debit_and_credit(folder: Path) -> Path:
    lines = samples.ledger()
    lines[4].update(Debit="10,00", Credit="210,00")
    return one(folder, samples.fec_bytes(lines), "987654321FEC20231231.txt")[0]


def nul_bytes(folder: Path) -> Path:
    content = samples.fec_bytes(samples.ledger()).replace(b"Atelier", b"Ate\0lier")
    content = content.replace(b"Client C001", b"Client\0 C001")
    return one(folder, content, "987654322FEC20231231.txt")[0]


@pytest.mark.parametrize(
    ("make", "words"), [(debit_and_credit, "a debit and a credit"), (nul_bytes, "NUL")]
)
def test_odd_file_loads_with_a_note(
    books: Settings, tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    path = make(tmp_path)

    run_id = steps.ingest_fec(books, path)

    ((status, row_count, notes),) = steps.rows(
        books,
        "select status, row_count, notes from ops.extraction"
        " where run_id = %s and stream = 'ledger_lines'",
        run_id,
    )
    assert (status, row_count) == ("loaded", len(samples.ledger()))
    assert [note for note in notes if note.startswith(path.name) and words in note] != []


# --- through the command -----------------------------------------------------------------------


@pytest.mark.parametrize("make", [not_a_fec, missing_path, two_files_of_one_year])
def test_command_ends_with_2_and_a_single_line(books: Settings, tmp_path: Path, make: Make) -> None:
    paths = make(tmp_path)
    arguments = [part for path in paths for part in ("--fec", path)]
    before = steps.raw_counts(books)

    ran = steps.encours(books, "run", *arguments)

    assert ran.exit_status == 2
    assert ran.stderr.count("\n") == 1
    assert ran.error.startswith(str(paths[-1]))
    assert ran.stdout == ""
    assert steps.raw_counts(books) == before


def test_command_that_is_refused_shows_in_the_status(books: Settings, tmp_path: Path) -> None:
    (path,) = not_a_fec(tmp_path)
    steps.encours(books, "run", "--fec", path)

    status = steps.encours(books, "status", "--json").result

    assert status["runs"][0]["status"] == "failed"
    assert status["runs"][0]["error"].startswith(f"{path}, line 1: this is not a FEC")
