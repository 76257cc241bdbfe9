"""Reading the flat files of contracts.md §2: fast on clean rows, strict and precise on the others.

`inspect_directory` refuses what makes a whole file unusable (exit 2, nothing loaded). `read_stream`
then yields batches of normalised text, and every row that cannot be used as a `RefusedRow` with
file, line, column and reason. CSV and Parquet of the same books give the same text, byte for byte.

How the speed is had without losing a line number: the file is cut at record ends into blocks of a
few megabytes, found with vectorised arithmetic on the positions of quotes and line ends; pyarrow
parses each block; rules run as pyarrow kernels on whole columns, and Python sees refused rows only.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import functools
import io
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from encours.arrow_text import bytes_of, integer_array, is_empty, repeated, text, text_array
from encours.clients.flat_file_rules import (
    Checked,
    Suspects,
    check_column,
    custom_objects,
    record_keys,
)
from encours.clients.flat_file_schema import (
    MAX_IDENTIFIER_CHARS,
    STREAMS_BY_NAME,
    Column,
    Stream,
    explain,
)
from encours.errors import BadInput, FatalError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Positions = NDArray[np.int64]

# What is computed of a block stays in the processor's caches.
BLOCK_BYTES = 2 * 1024 * 1024
PARQUET_BATCH_ROWS = 32_768
# A quote that is never closed would otherwise pull the rest of the file into one value.
MAX_RECORD_BYTES = 1024 * 1024
HEADER_BYTES = 256 * 1024
EXCERPT_CHARS = 40
# What a Parquet file may unpack to: a few bytes can stand for any number of equal values. Books
# have keys of their own in every row, and so come nowhere near these.
FREE_UNPACKED_BYTES = 64 * 1024 * 1024
MOST_TIMES_ENCODED = 100
MOST_TIMES_UNPACKED = 1000

_QUOTE, _LF, _CR, _SPACE, _FIRST_BEYOND_ASCII = 0x22, 0x0A, 0x0D, 0x20, 0x80
_REST_OF_QUOTED_VALUE = re.compile(rb'(?:[^"]++|"")*+"')
_LINE_END = re.compile(rb"\r\n|\n|\r")
_C1_CONTROL = re.compile(rb"\xc2[\x80-\x9f]")
_SIGNATURES = (
    (codecs.BOM_UTF16_LE, "is UTF-16 text"),
    (codecs.BOM_UTF16_BE, "is UTF-16 text"),
    (b"PK\x03\x04", "is an Excel workbook or a ZIP archive, not CSV"),
    (b"\x1f\x8b", "is compressed with gzip"),
    (b"PAR1", "is a Parquet file named .csv"),
)


@dataclass(frozen=True)
class FlatFile:
    """One inspected file. `header` holds the column names as written, trimmed.

    `data_offset` and `first_data_line` say where the rows of a CSV file begin.
    """

    path: Path
    stream: Stream
    format: Literal["csv", "parquet"]
    header: tuple[str, ...]
    delimiter: str = ","
    data_offset: int = 0
    first_data_line: int = 1
    size_bytes: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def custom_columns(self) -> tuple[str, ...]:
        return tuple(name for name in self.header if self.stream.column(name) is None)


@dataclass(frozen=True)
class RefusedRow:
    """A row that cannot be used: where it stands, and one sentence that says what to do.

    `column` is empty when the row as a whole is malformed; then `record_key` is empty too.
    """

    file_name: str
    line_no: int
    column: str
    reason: str
    record_key: str
    value_excerpt: str


@dataclass(frozen=True)
class FlatBatch:
    """Some rows of one file: `table` holds the usable ones, all text except `line_no`.

    Rows whose every value is empty (the `;;;;` of a spreadsheet) say nothing: counted, not refused.
    """

    table: pa.Table
    refused: tuple[RefusedRow, ...]
    blank_rows: int
    bytes_read: int


@dataclass(frozen=True)
class ControlTotals:
    """What was read of one file. `rows_read` counts usable and refused rows, not blank ones."""

    rows_read: int = 0
    rows_refused: int = 0
    blank_rows: int = 0
    bytes_read: int = 0

    def plus(self, batch: FlatBatch) -> ControlTotals:
        return self + ControlTotals(
            rows_read=int(batch.table.num_rows) + len(batch.refused),
            rows_refused=len(batch.refused),
            blank_rows=batch.blank_rows,
            bytes_read=batch.bytes_read,
        )

    def __add__(self, other: ControlTotals) -> ControlTotals:
        return ControlTotals(
            rows_read=self.rows_read + other.rows_read,
            rows_refused=self.rows_refused + other.rows_refused,
            blank_rows=self.blank_rows + other.blank_rows,
            bytes_read=self.bytes_read + other.bytes_read,
        )


# ---------------------------------------------------------------- inspecting a directory


def inspect_directory(directory: Path) -> tuple[FlatFile, ...]:
    """The files of the contract in `directory`, in the order of the contract.

    Raises BadInput when the directory or one of its files cannot be used as a whole.
    """
    found = _stream_paths(directory)
    if "documents" not in found:
        raise BadInput(
            "there is no documents.csv or documents.parquet",
            where=str(directory),
            mend="documents is the one mandatory file; name it exactly so",
        )
    return tuple(
        _inspect_file(found[name], stream)
        for name, stream in STREAMS_BY_NAME.items()
        if name in found
    )


def unknown_files(directory: Path) -> tuple[str, ...]:
    """One warning per file that `inspect_directory` passes over because of its name."""
    warnings = []
    for path in _list_directory(directory):
        if _stream_of(path) is not None or path.name.startswith(".") or path.is_dir():
            continue
        close = difflib.get_close_matches(_folded(path.stem), STREAMS_BY_NAME, n=1, cutoff=0.8)
        hint = f"; did you mean {close[0]}{path.suffix.lower()}?" if close else ""
        warnings.append(f"{path.name} is not a file of the contract and was not read{hint}")
    return tuple(warnings)


def _list_directory(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        raise BadInput("no such directory", where=str(directory), mend="check --files") from None
    except NotADirectoryError:
        raise BadInput(
            "this is a file, not a directory",
            where=str(directory),
            mend="give the directory that holds documents.csv",
        ) from None
    except OSError as error:
        raise _unreadable(directory, error) from error


def _unreadable(path: Path, error: OSError) -> BadInput:
    reason = error.strerror or type(error).__name__
    return BadInput(
        f"cannot be read: {reason}", where=str(path), mend="check the file and its permissions"
    )


def _stream_of(path: Path) -> str | None:
    name = path.stem.lower()
    known = name in STREAMS_BY_NAME and path.suffix.lower() in (".csv", ".parquet")
    return name if known else None


def _stream_paths(directory: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in _list_directory(directory):
        name = _stream_of(path)
        if name is None:
            continue
        if name in found:
            raise BadInput(
                f"{found[name].name} and {path.name} both hold {name}",
                where=str(directory),
                mend="keep one of them",
            )
        found[name] = path
    return found


def _inspect_file(path: Path, stream: Stream) -> FlatFile:
    if not path.is_file():
        raise BadInput("this is not a regular file", where=str(path), mend="replace it by a file")
    inspect = _inspect_csv if path.suffix.lower() == ".csv" else _inspect_parquet
    try:
        size = path.stat().st_size
        if size == 0:
            raise BadInput("the file is empty", where=str(path), mend="export it again")
        flat_file, has_rows = inspect(path, stream)
    except OSError as error:
        raise _unreadable(path, error) from error
    warnings = _check_header(flat_file)
    if stream.name == "documents" and not has_rows:
        raise BadInput("there is a header but no document", where=str(path), mend="export it again")
    return replace(flat_file, size_bytes=size, warnings=warnings)


def _inspect_csv(path: Path, stream: Stream) -> tuple[FlatFile, bool]:
    with path.open("rb") as handle:
        head = handle.read(HEADER_BYTES)
    _check_signature(path, head)
    bom_bytes = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    text = head[bom_bytes:].decode("utf-8", errors="replace")
    delimiter, names, lines = _find_header(path, stream, text)
    header_text = "".join(_first_lines(text, lines))
    # A byte that is not UTF-8 would change length here, but then the scan below raises.
    offset = bom_bytes + len(header_text.encode())
    has_rows = _scan_utf8(path, offset)
    header = tuple(name.strip() for name in names)
    return FlatFile(path, stream, "csv", header, delimiter, offset, lines + 1), has_rows


def _check_signature(path: Path, head: bytes) -> None:
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise BadInput(what, where=str(path), mend="save it as CSV UTF-8")
    # Without a byte order mark, UTF-16 shows by a zero in every other byte of the header.
    if head[:200].count(0) > len(head[:200]) // 4:
        raise BadInput("looks like UTF-16 text", where=str(path), mend="save it as CSV UTF-8")


def _first_lines(text: str, count: int) -> list[str]:
    return list(itertools.islice(io.StringIO(text, newline=""), count))


def _find_header(path: Path, stream: Stream, text: str) -> tuple[str, list[str], int]:
    """Delimiter, column names, and how many physical lines they take with blank lines above."""
    readings = []
    for delimiter in (",", ";"):
        names, lines = _parse_header(path, text, delimiter)
        known = sum(stream.column(name.strip()) is not None for name in names)
        readings.append((known, len(names), delimiter, names, lines))
    # The reading that knows most names; "," wins a draw because max keeps the first.
    best = max(readings, key=lambda reading: reading[:2])
    if best[0] == 0 and re.search(r"\t|\|", best[3][0]):
        raise BadInput(
            "the columns are separated by tabs or bars",
            where=f"{path} line {best[4]}",
            mend="separate them by commas or semicolons",
        )
    return best[2], best[3], best[4]


def _parse_header(path: Path, text: str, delimiter: str) -> tuple[list[str], int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                return row, reader.line_num
    except csv.Error as error:
        raise BadInput(
            f"the header cannot be read: {error}",
            where=f"{path} line {reader.line_num}",
            mend="check the quotes of the first line",
        ) from error
    raise BadInput("there is no header", where=str(path), mend="export it again, with its header")


def _scan_utf8(path: Path, data_offset: int) -> bool:
    """Whether anything but blanks follows the header. Raises at the first byte not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    has_rows = False
    position = 0
    with path.open("rb") as handle:
        while True:
            chunk = handle.read(BLOCK_BYTES)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, position - pending + error.start, error) from error
            if not chunk:
                return has_rows
            body = chunk[max(0, data_offset - position) :]
            has_rows = has_rows or bool(body.strip(b' \t\r\n,;"'))
            position += len(chunk)


def _not_utf8(path: Path, position: int, error: UnicodeDecodeError) -> BadInput:
    with path.open("rb") as handle:
        before = _count_lines(handle, position)
    return BadInput(
        f"byte 0x{error.object[error.start]:02X} is not UTF-8",
        where=f"{path} line {before + 1}",
        mend="the file is probably Windows-1252: save it as CSV UTF-8",
    )


def _count_lines(handle: IO[bytes], position: int) -> int:
    line_feeds = returns = 0
    while position > 0 and (chunk := handle.read(min(BLOCK_BYTES, position))):
        line_feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        position -= len(chunk)
    return line_feeds or returns


# ---------------------------------------------------------------- the header


def _check_header(flat_file: FlatFile) -> tuple[str, ...]:
    """Raises BadInput for a header that cannot be used; returns warnings about the others."""
    where = f"{flat_file.path} header"
    _check_names(flat_file.header, where)
    stream = flat_file.stream
    missing = [name for name in stream.required_columns if name not in flat_file.header]
    if missing:
        hints = [hint for name in missing if (hint := _rename_hint(name, flat_file))]
        raise BadInput(
            f"mandatory columns are missing: {', '.join(missing)}",
            where=where,
            mend="; ".join(hints) or "add them, or check that the first line holds the names",
        )
    for name in flat_file.custom_columns:
        _check_unknown(name, stream, where)
    return tuple(
        filter(None, (_typo_warning(name, flat_file) for name in flat_file.custom_columns))
    )


def _check_names(header: tuple[str, ...], where: str) -> None:
    for position, name in enumerate(header, start=1):
        if not name:
            raise BadInput(
                f"column {position} has no name", where=where, mend="name it or delete the column"
            )
        if len(name) > MAX_IDENTIFIER_CHARS or not name.isprintable():
            raise BadInput(
                f"the name of column {position} is too long or not printable",
                where=where,
                mend="give it a short name on one line",
            )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadInput(
            f"column names stand twice: {', '.join(twice)}",
            where=where,
            mend="rename or delete one",
        )


def _check_unknown(name: str, stream: Stream, where: str) -> None:
    """A spelling variant of a column is refused even where custom columns are welcome: taken as
    an attribute, `Due_Date` would leave every due date estimated and nobody would know."""
    folded = _folded(name)
    if stream.column(folded) is not None:
        raise BadInput(
            f"column {name} is not known", where=where, mend=f"write it exactly {folded}"
        )
    if not stream.allows_custom:
        close = difflib.get_close_matches(folded, _names(stream), n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}? otherwise " if close else ""
        raise BadInput(
            f"column {name} is not known",
            where=where,
            mend=f"{hint}delete it; only customers and documents take columns of your own",
        )


def _typo_warning(name: str, flat_file: FlatFile) -> str:
    absent = [column for column in _names(flat_file.stream) if column not in flat_file.header]
    close = difflib.get_close_matches(_folded(name), absent, n=1, cutoff=0.85)
    if not close:
        return ""
    return (
        f"{flat_file.path.name}: column {name} is kept as a custom attribute;"
        f" if {close[0]} is meant, rename it"
    )


def _rename_hint(missing: str, flat_file: FlatFile) -> str:
    by_folded = {_folded(name): name for name in flat_file.custom_columns}
    close = difflib.get_close_matches(missing, by_folded, n=1, cutoff=0.75)
    return f"rename {by_folded[close[0]]} to {missing}" if close else ""


def _names(stream: Stream) -> list[str]:
    return [column.name for column in stream.columns]


def _folded(name: str) -> str:
    """Lower case, no accents, words joined by underscores: `Date d'échéance` → date_d_echeance."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


# ---------------------------------------------------------------- reading a stream


def read_stream(flat_file: FlatFile) -> Iterator[FlatBatch]:
    """The rows of one inspected file, in order, in batches; at least one, which may be empty.

    Raises BadInput, possibly after some batches, when the rest of the file cannot be used (a quote
    never closed, a damaged Parquet page): load the batches in one transaction.
    """
    for part in read_parts(flat_file):
        yield judge(flat_file, part) if isinstance(part, Block) else part


def read_parts(flat_file: FlatFile) -> Iterator[Block | FlatBatch]:
    """The same for who may do without judging: the blocks of a CSV file for `judge`, the batches
    of a Parquet file."""
    parts = _csv_parts if flat_file.format == "csv" else _parquet_batches
    try:
        yield from parts(flat_file)
    except OSError as error:
        raise _unreadable(flat_file.path, error) from error


def _csv_parts(flat_file: FlatFile) -> Iterator[Block]:
    header_bytes = flat_file.data_offset
    with flat_file.path.open("rb") as handle:
        handle.seek(flat_file.data_offset)
        for block in _blocks(handle, flat_file):
            yield replace(block, size_bytes=block.size_bytes + header_bytes)
            header_bytes = 0
    if header_bytes:
        yield replace(_EMPTY_BLOCK, size_bytes=header_bytes)


@dataclass(frozen=True)
class _Rows:
    """Parsed values by column name as written, with the line of each row; not yet checked."""

    values: dict[str, pa.Array]
    line_numbers: pa.Array
    suspects: Suspects


def judge(flat_file: FlatFile, block: Block) -> FlatBatch:
    """The rows of a block by the rules: usable or refused."""
    import numpy as np
    import pyarrow as pa

    columns, ragged = _parse_block(flat_file, block)
    lines = np.asarray(block.line_numbers, dtype=np.int64)
    shapeless = [_ragged_row(flat_file, block, row) for row in ragged]
    if ragged:
        lines = np.delete(lines, [row.number - 1 for row in ragged])
    if len(lines) != len(columns[0]):
        raise FatalError(
            f"{flat_file.path}: {len(columns[0])} rows parsed where {len(lines)} were counted"
        )
    numbers = pa.Array.from_buffers(pa.int64(), len(lines), [None, pa.py_buffer(lines)])
    rows = _Rows(dict(zip(flat_file.header, columns, strict=True)), numbers, block.suspects)
    table, refused, blank = _check_rows(flat_file, rows)
    malformed = [row for row in (*block.refused, *shapeless) if row is not None]
    return FlatBatch(
        table=table,
        refused=tuple(sorted((*malformed, *refused), key=lambda row: row.line_no)),
        blank_rows=blank + shapeless.count(None),
        bytes_read=block.size_bytes,
    )


def _parse_block(flat_file: FlatFile, block: Block) -> tuple[list[pa.Array], list[Any]]:
    """One array of text per column, and the rows whose number of fields differs."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(position) for position in range(len(flat_file.header))]
    if not len(block.line_numbers):
        return [text_array([]) for _ in names], []
    ragged: list[Any] = []
    has_quotes = b'"' in block.body

    def skip(row: Any) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block.body),
            # Row numbers are given to the handler only without threads; one block, one chunk.
            read_options=arrow_csv.ReadOptions(
                use_threads=False, column_names=names, block_size=len(block.body) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=flat_file.delimiter,
                # A third of the time is looking for quotes.
                quote_char='"' if has_quotes else False,
                newlines_in_values=has_quotes,
                invalid_row_handler=skip,
            ),
            # By default "NULL", "NA" and the like would become nulls: a customer may be called NA.
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise BadInput(
            f"cannot be parsed: {error}",
            where=f"{flat_file.path} after line {block.line_numbers[0]}",
            mend="the file changed while it was read, or is damaged; export it again",
        ) from error
    return [column.combine_chunks() for column in table.columns], ragged


def _ragged_row(flat_file: FlatFile, block: Block, row: Any) -> RefusedRow | None:
    """The refusal of a row with too few or too many fields; None when it holds only blanks."""
    if not row.text.strip(f" \t\r\n{flat_file.delimiter}"):
        return None
    is_last = row.number == len(block.line_numbers)
    if row.actual_columns > row.expected_columns:
        mend = f'put values that contain "{flat_file.delimiter}" between double quotes'
    elif is_last and block.is_cut_short:
        mend = "the file ends within this line, it is probably truncated: export it again"
    else:
        mend = "write one separator between all columns, also around empty values"
    return RefusedRow(
        file_name=flat_file.path.name,
        line_no=int(block.line_numbers[row.number - 1]),
        column="",
        reason=f"{row.actual_columns} fields where the header has {row.expected_columns}: {mend}",
        record_key="",
        value_excerpt=row.text[:EXCERPT_CHARS],
    )


# ---------------------------------------------------------------- cutting a CSV file into blocks


@dataclass(frozen=True)
class Block:
    """Whole records. `line_numbers`: physical line where each record that is not empty begins."""

    body: bytes
    line_numbers: Positions | tuple[int, ...]
    refused: tuple[RefusedRow, ...]
    suspects: Suspects
    is_cut_short: bool
    size_bytes: int


_EMPTY_BLOCK = Block(b"", (), (), Suspects(), False, 0)


@dataclass(frozen=True)
class _Layout:
    """Where lines and records end in some bytes, as positions of their last byte.

    `faults` are the quotes that break a record (position, reason).
    """

    line_ends: Positions
    record_ends: Positions
    faults: tuple[tuple[int, str], ...] = ()


def _blocks(handle: IO[bytes], flat_file: FlatFile) -> Iterator[Block]:
    """The file from the handle's position on, cut at record ends."""
    carry = b""
    line = flat_file.first_data_line
    while True:
        chunk = handle.read(BLOCK_BYTES)
        # CR LF must not fall apart between two blocks: it would count as two lines.
        while chunk.endswith(b"\r") and (following := handle.read(1)):
            chunk += following
        data = carry + chunk
        at_end = not chunk
        if at_end and not data:
            return
        is_cut_short = at_end and not data.endswith((b"\n", b"\r"))
        if is_cut_short:
            data += b"\n"
        layout = _layout(data, flat_file.delimiter)
        size = int(layout.record_ends[-1]) + 1 if len(layout.record_ends) else 0
        carry = data[size:]
        if size:
            yield _cut_block(flat_file, data[:size], layout, line, is_cut_short)
            line += _rank(layout.line_ends, size)
        if carry and (at_end or len(carry) > MAX_RECORD_BYTES):
            raise _endless_record(flat_file, carry, line)
        if at_end:
            return


def _rank(positions: Positions, position: int) -> int:
    """How many of the sorted `positions` lie before `position`."""
    return int(positions.searchsorted(position))


def _endless_record(flat_file: FlatFile, rest: bytes, line: int) -> BadInput:
    """`rest` begins with the record that does not end, on `line`."""
    bounds, _faults = _walk_quotes(rest, flat_file.delimiter)
    if len(bounds) % 2 == 0:
        return BadInput(
            f"the line is longer than {MAX_RECORD_BYTES} bytes",
            where=f"{flat_file.path} line {line}",
            mend="check that the file has line ends",
        )
    lines_before = len(_LINE_END.findall(rest, 0, bounds[-1]))
    return BadInput(
        "a double quote is opened here and never closed",
        where=f"{flat_file.path} line {line + lines_before}",
        mend='close it, or write "" for a double quote inside a value',
    )


def _layout(data: bytes, delimiter: str) -> _Layout:
    import numpy as np

    octets = np.frombuffer(data, dtype=np.uint8)
    line_ends = np.flatnonzero(octets == _LF)
    if b"\r" in data:
        returns = np.flatnonzero(octets == _CR)
        followed = octets[np.minimum(returns + 1, len(octets) - 1)] == _LF
        line_ends = np.sort(np.concatenate((line_ends, returns[~followed])))
    if b'"' not in data:
        return _Layout(line_ends, line_ends)
    quotes = np.flatnonzero(octets == _QUOTE)
    if _are_all_rfc4180(octets, quotes, ord(delimiter)):
        inside = np.searchsorted(quotes, line_ends) % 2 == 1
        return _Layout(line_ends, line_ends[~inside])
    bounds, faults = _walk_quotes(data, delimiter)
    inside = np.searchsorted(np.asarray(bounds), line_ends, side="right") % 2 == 1
    return _Layout(line_ends, line_ends[~inside], faults)


def _are_all_rfc4180(octets: NDArray[np.uint8], quotes: Positions, delimiter: int) -> bool:
    """Whether each odd quote opens a value (or repeats) and each even one closes it (or repeats).

    Then a line end lies inside a value exactly when an odd number of quotes stands before it.
    """
    import numpy as np

    neighbours = np.zeros(256, dtype=bool)
    neighbours[[delimiter, _LF, _CR, _QUOTE]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    before = neighbours[octets[np.maximum(opening - 1, 0)]] | (opening == 0)
    last = len(octets) - 1
    after = neighbours[octets[np.minimum(closing + 1, last)]] | (closing == last)
    return bool(before.all() and after.all())


def _walk_quotes(data: bytes, delimiter: str) -> tuple[list[int], tuple[tuple[int, str], ...]]:
    """Bounds of quoted values (start, end, start, …; odd in number when the last stays open), and
    faults (position, reason).

    Quote by quote, for the rare block that is not RFC 4180: a quote within an unquoted value
    (`Tube 5" steel`) is read as it stands, as Arrow does.
    """
    starters = (ord(delimiter), _LF, _CR)
    bounds: list[int] = []
    faults: list[tuple[int, str]] = []
    position = 0
    while (quote := data.find(b'"', position)) >= 0:
        position = quote + 1
        if quote and data[quote - 1] not in starters:
            if _only_blanks_before(data, quote, starters):
                faults.append((quote, "a blank stands before the opening quote: delete it"))
            continue
        bounds.append(quote)
        rest = _REST_OF_QUOTED_VALUE.match(data, position)
        if rest is None:
            break
        position = rest.end()
        bounds.append(position)
        if position < len(data) and data[position] not in starters:
            faults.append((quote, _TEXT_AFTER_QUOTE))
    return bounds, tuple(faults)


def _only_blanks_before(data: bytes, quote: int, starters: tuple[int, ...]) -> bool:
    """Whether a value begins with blanks and then the quote at `quote`."""
    before = data[max(0, quote - _LEAD_BYTES) : quote]
    lead = before.rstrip(b" \t")
    return len(lead) < len(before) and (not lead or lead[-1] in starters)


# As far back as blanks before a quote are looked for.
_LEAD_BYTES = 80
_TEXT_AFTER_QUOTE = (
    "text follows a closing quote, or a quote is not closed:"
    ' write "" for a double quote inside a value'
)


def _cut_block(
    flat_file: FlatFile, body: bytes, layout: _Layout, first_line: int, is_cut_short: bool
) -> Block:
    import numpy as np

    octets = np.frombuffer(body, dtype=np.uint8)
    ends = layout.record_ends
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1] + 1))
    has_line_ends_inside = len(ends) != len(layout.line_ends)
    lines = first_line + (
        np.searchsorted(layout.line_ends, starts) if has_line_ends_inside else np.arange(len(ends))
    )
    lengths = ends - starts
    kept = (lengths > 1) | ((lengths == 1) & (octets[starts] != _CR))
    size = len(body) - is_cut_short
    suspects = Suspects(
        controls=has_line_ends_inside or _may_hold_controls(body, octets),
        backslashes=b"\\" in body,
        bars=b"|" in body,
    )
    faults = [fault for fault in layout.faults if fault[0] < len(body)]
    if not faults:
        return Block(body, lines[kept], (), suspects, is_cut_short, size)
    refused: dict[int, RefusedRow] = {}
    for position, reason in faults:
        record = _rank(ends, position)
        text = body[starts[record] : ends[record]].decode("utf-8", errors="replace").strip()
        row = RefusedRow(
            flat_file.path.name, int(lines[record]), "", reason, "", text[:EXCERPT_CHARS]
        )
        refused.setdefault(record, row)
        kept[record] = False
    body = b"".join(
        body[start : end + 1] for start, end in zip(starts[kept], ends[kept], strict=True)
    )
    return Block(body, lines[kept], tuple(refused.values()), suspects, is_cut_short, size)


def _may_hold_controls(body: bytes, octets: NDArray[np.uint8]) -> bool:
    import numpy as np

    line_ends = np.count_nonzero(octets == _LF)
    if b"\r" in body:
        line_ends += np.count_nonzero(octets == _CR)
    if np.count_nonzero(octets < 0x20) != line_ends or b"\x7f" in body:
        return True
    return b"\xc2" in body and _C1_CONTROL.search(body) is not None


# ---------------------------------------------------------------- Parquet


# Names of the encodings that refer to values instead of repeating them, old and new.
_DICTIONARIES = frozenset({"PLAIN_DICTIONARY", "RLE_DICTIONARY"})


@contextmanager
def _parquet(path: Path, repeating: Sequence[str] = ()) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Without pre-buffering, memory is a page per column instead of a whole row group.
        with parquet.ParquetFile(path, pre_buffer=False, read_dictionary=list(repeating)) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise BadInput(
            f"is not readable as Parquet: {str(error).splitlines()[0]}",
            where=str(path),
            mend="write it again",
        ) from error


def _inspect_parquet(path: Path, stream: Stream) -> tuple[FlatFile, bool]:
    path.open("rb").close()  # so that a missing permission is not told as a damaged file
    with _parquet(path) as file:
        schema = file.schema_arrow
        has_rows = file.metadata.num_rows > 0
        _check_unpacked(path, _encoded_bytes(file.metadata), MOST_TIMES_ENCODED)
        _check_unpacked(path, file.metadata.num_rows, MOST_TIMES_UNPACKED)
        names = tuple(name.strip() for name in schema.names)
        for position, name in enumerate(names):
            if not _is_all_null(file.metadata, position, len(names)):
                _check_type(stream.column(name), schema.types[position], f"{path} column {name}")
    return FlatFile(path, stream, "parquet", names), has_rows


def _is_all_null(metadata: Any, position: int, columns: int) -> bool:
    """pandas gives a column without any value the type float: it holds no inexact money."""
    if metadata.num_columns != columns:
        return False  # nested columns shift the positions
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(position).statistics
        rows = metadata.row_group(group).num_rows
        if statistics is None or statistics.null_count != rows:
            return False
    return True


def _check_type(column: Column | None, kind: pa.DataType, where: str) -> None:
    from pyarrow import types

    value_type = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_nested(value_type) or types.is_time(value_type) or types.is_duration(value_type):
        raise BadInput(f"the type {kind} cannot be read", where=where, mend="cast it to text")
    if column is None:
        return
    if types.is_floating(value_type) and column.kind in ("amount", "rate"):
        raise BadInput(
            "the values are floating-point numbers, which are not exact",
            where=where,
            mend="cast the column to decimal, such as decimal(18, 6)",
        )
    if types.is_floating(value_type) and column.kind not in ("integer", "number"):
        raise BadInput(
            "the values are floating-point numbers", where=where, mend="cast the column to text"
        )
    if column.kind == "date" and types.is_timestamp(value_type) and value_type.tz is not None:
        raise BadInput(
            "the values are timestamps with a time zone, whose day depends on the reader",
            where=where,
            mend="cast the column to date",
        )


def _encoded_bytes(metadata: Any) -> int:
    """Of all columns, without their compression: as large as a page of the file can get."""
    return sum(
        metadata.row_group(group).column(column).total_uncompressed_size
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )


def _check_unpacked(path: Path, amount: int, most_times: int) -> None:
    if amount > FREE_UNPACKED_BYTES + most_times * path.stat().st_size:
        raise BadInput(
            f"unpacks to more than {most_times} times its size",
            where=str(path),
            mend="books do not: write it again, or as CSV",
        )


def _repeating_columns(metadata: Any) -> list[str]:
    """Those that state each value once and then refer to it. They are read so and unpacked here,
    where their size is known first; the library would unpack a whole batch."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return sorted(
        {
            chunk.path_in_schema
            for group in groups
            for chunk in map(group.column, range(metadata.num_columns))
            if chunk.physical_type == "BYTE_ARRAY" and _DICTIONARIES.intersection(chunk.encodings)
        }
    )


def _in_pieces(path: Path, batches: Iterator[Any]) -> Iterator[Any]:
    """The same rows in batches that unpack to a bounded size."""
    unpacked = 0
    for batch in batches:
        size = sum(map(_unpacked_bytes, batch.columns))
        unpacked += size
        _check_unpacked(path, unpacked, MOST_TIMES_UNPACKED)
        rows = max(1, batch.num_rows * FREE_UNPACKED_BYTES // max(size, FREE_UNPACKED_BYTES))
        for start in range(0, max(batch.num_rows, 1), rows):
            yield batch.slice(start, rows)


def _unpacked_bytes(values: pa.Array) -> int:
    import pyarrow.compute as pc
    from pyarrow import types

    if not types.is_dictionary(values.type):
        return int(values.nbytes)
    kind = values.type.value_type
    if not (types.is_binary(kind) or types.is_string(kind) or types.is_large_string(kind)):
        return len(values) * 16
    lengths = pc.binary_length(values.dictionary)
    return int(pc.sum(lengths.take(values.indices)).as_py() or 0)


def _parquet_batches(flat_file: FlatFile) -> Iterator[FlatBatch]:
    size = flat_file.size_bytes
    first_row = 1
    with _parquet(flat_file.path) as file:
        repeating = _repeating_columns(file.metadata)
    with _parquet(flat_file.path, repeating) as file:
        empty = [] if file.metadata.num_rows else [file.schema_arrow.empty_table()]
        batches = itertools.chain(empty, file.iter_batches(batch_size=PARQUET_BATCH_ROWS))
        for batch in _in_pieces(flat_file.path, batches):
            texts = [_text_of(_one_array(column)) for column in batch.columns]
            numbers = integer_array(range(first_row, first_row + batch.num_rows))
            rows = _Rows(dict(zip(flat_file.header, texts, strict=True)), numbers, Suspects())
            table, refused, blank = _check_rows(flat_file, rows)
            yield FlatBatch(table, refused, blank, size)
            first_row += batch.num_rows
            size = 0


def _one_array(column: Any) -> pa.Array:
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _text_of(values: pa.Array) -> pa.Array:
    """The text that a CSV of the same books would hold; empty where there is no value."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if types.is_timestamp(kind):
        # Nanoseconds beyond microseconds are cut off: PostgreSQL does not store them.
        values = values.cast(pa.timestamp("us", kind.tz and "UTC"), safe=False)
    if types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), pa.nulls(1, kind)[0], values)
    texts = pc.fill_null(values.cast(pa.string()), text(""))
    if types.is_floating(kind) or types.is_decimal(kind):
        texts = _without_exponents(texts)
    return texts


def _without_exponents(numbers: pa.Array) -> pa.Array:
    """Arrow writes 0.00000001 as 1E-8, and a decimal zero of eight places as 0E-8."""
    import pyarrow.compute as pc

    scientific = pc.match_substring_regex(numbers, r"\d[eE][+-]?\d")
    if not pc.any(scientific).as_py():
        return numbers
    plain = [format(Decimal(number), "f") for number in numbers.filter(scientific).to_pylist()]
    return pc.replace_with_mask(numbers, scientific, text_array(plain))


# ---------------------------------------------------------------- the rules, on whole columns


def _check_rows(flat_file: FlatFile, rows: _Rows) -> tuple[pa.Table, tuple[RefusedRow, ...], int]:
    import pyarrow.compute as pc

    raw = {name: _trimmed(values) for name, values in rows.values.items()}
    lines = rows.line_numbers
    blank = _blank_rows(raw)
    if blank is not None:
        used = pc.invert(blank)
        raw = {name: values.filter(used) for name, values in raw.items()}
        lines = lines.filter(used)
    blank_count = len(rows.line_numbers) - len(lines)

    columns = (*flat_file.stream.columns, *(Column(name) for name in flat_file.custom_columns))
    checked = {
        column.name: check_column(column, raw[column.name], rows.suspects)
        if column.name in raw
        else Checked(repeated(column.default, len(lines)), None)
        for column in columns
    }
    values = {name: item.values for name, item in checked.items()}
    table = _assemble(flat_file, lines, values, rows.suspects)
    masks = {name: item.refused for name, item in checked.items() if item.refused is not None}
    if not masks:
        return table, (), blank_count
    any_refused = functools.reduce(pc.or_, masks.values())
    positions = pc.indices_nonzero(any_refused)
    refused = _refused_rows(
        flat_file,
        table.select(["line_no", "record_key"]).take(positions),
        {name: (raw[name].take(positions), masks[name].take(positions)) for name in masks},
    )
    return table.filter(pc.invert(any_refused)), refused, blank_count


def _trimmed(values: pa.Array) -> pa.Array:
    """Without white space around; most columns hold no character that could be any."""
    import numpy as np
    import pyarrow.compute as pc

    data = bytes_of(values)
    if data is None:
        return values
    octets = np.frombuffer(data, dtype=np.uint8)
    if octets.min() > _SPACE and octets.max() < _FIRST_BEYOND_ASCII:
        return values
    return pc.utf8_trim_whitespace(values)


def _blank_rows(raw: dict[str, pa.Array]) -> pa.Array | None:
    """Where every value is empty. The first column that is never empty settles it for a block."""
    import pyarrow.compute as pc

    blank = None
    for values in raw.values():
        empty = is_empty(values)
        blank = empty if blank is None else pc.and_(blank, empty)
        if not pc.any(blank).as_py():
            return None
    return blank


# ---------------------------------------------------------------- the resulting table


def _assemble(
    flat_file: FlatFile, lines: pa.Array, values: dict[str, pa.Array], suspects: Suspects
) -> pa.Table:
    import pyarrow as pa

    stream = flat_file.stream
    return pa.table(
        {
            "line_no": lines,
            "record_key": record_keys([values[name] for name in stream.key_columns], suspects),
            **{column.name: values[column.name] for column in stream.columns},
            "custom": custom_objects(
                {name: values[name] for name in flat_file.custom_columns},
                len(lines),
                suspects,
            ),
        }
    )


def _refused_rows(
    flat_file: FlatFile, where: pa.Table, faults: dict[str, tuple[pa.Array, pa.Array]]
) -> tuple[RefusedRow, ...]:
    """One refusal per row: the first column at fault explains, the others are named."""
    names_at_fault: list[list[str]] = [[] for _ in range(where.num_rows)]
    texts = {name: raw.to_pylist() for name, (raw, _mask) in faults.items()}
    for name, (_raw, mask) in faults.items():
        for row, is_refused in enumerate(mask.to_pylist()):
            if is_refused:
                names_at_fault[row].append(name)
    refused = []
    for row, position in enumerate(where.to_pylist()):
        first, *others = names_at_fault[row]
        value = texts[first][row]
        reason = explain(flat_file.stream.column(first) or Column(first), value)
        if others:
            reason += f" (also refused: {', '.join(others)})"
        refused.append(
            RefusedRow(
                file_name=flat_file.path.name,
                line_no=position["line_no"],
                column=first,
                reason=reason,
                record_key=position["record_key"],
                value_excerpt=value[:EXCERPT_CHARS],
            )
        )
    return tuple(refused)
