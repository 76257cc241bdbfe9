"""The lines of a FEC text file as Arrow columns of raw text, a bounded block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from encours.arrow_text import integer_array, one_array, repeated
from encours.clients.fec_bytes import LONGEST_LINE, open_input, unified_line_ends
from encours.clients.fec_columns import SHORTEST_ROW, Header
from encours.clients.fec_tally import FecTally, RefusedLine
from encours.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

# About 25,000 lines: larger blocks were no faster and took twice the memory.
BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class RawRows:
    """A block of lines: columns by canonical name, trimmed, '' where empty. `places` are the
    lines of the file where the rows stand, for messages; they differ from `line_no` in XML."""

    line_no: pa.Array
    columns: dict[str, pa.Array]
    refused: tuple[RefusedLine, ...] = ()
    decimal_mark: str = ","
    places: pa.Array | None = None

    @property
    def place_no(self) -> pa.Array:
        return self.line_no if self.places is None else self.places


@dataclass(frozen=True)
class Block:
    """Whole lines in UTF-8, each ended by LF; `is_cut` when the file gave no end to the last."""

    first_line: int
    data: bytes
    is_cut: bool = False


@dataclass
class TextRows:
    """Reads the rows of one file; keeps what must hold from the first line to the last."""

    path: Path
    encoding: str
    separator: str
    header: Header
    tally: FecTally
    width: int = 0
    blank_lines: int = 0
    first_blank_line: int = 0
    _refused: list[RefusedLine] = field(default_factory=list)

    def __iter__(self) -> Iterator[RawRows]:
        for block in self._blocks():
            if block.data:
                yield self._rows(block)

    def _blocks(self) -> Iterator[Block]:
        """Blocks after the header line, without NUL bytes, decoded."""
        line, rest = 1, b""
        with open_input(self.path) as stream:
            while chunk := stream.read(BLOCK_BYTES):
                data = rest + chunk
                kept = data.rstrip(b"\r")
                unified = unified_line_ends(kept)
                end = unified.rfind(b"\n") + 1
                rest = unified[end:] + data[len(kept) :]
                if len(rest) > LONGEST_LINE:
                    raise BadInput("the line has no end", where=f"{self.path}, line {line}")
                block = self._block(line, unified[:end])
                line += unified.count(b"\n", 0, end)
                yield block
        rest = unified_line_ends(rest).rstrip(b"\x1a")
        if rest:
            is_cut = not rest.endswith(b"\n")
            yield self._block(line, rest + b"\n" if is_cut else rest, is_cut=is_cut)

    def _block(self, first_line: int, data: bytes, *, is_cut: bool = False) -> Block:
        if first_line == 1 and data:
            data = data[data.index(b"\n") + 1 :]
            first_line = 2
        if b"\0" in data:
            self.tally.warn(
                "nul_bytes",
                "NUL bytes were dropped",
                count=data.count(0),
                first_line=first_line + data.count(b"\n", 0, data.index(0)),
            )
            data = data.replace(b"\0", b"")
        if self.encoding != "utf-8" and not data.isascii():
            data = data.decode(self.encoding).encode()
        return Block(first_line, data, is_cut)

    def _rows(self, block: Block) -> RawRows:
        import pyarrow as pa

        if not self.width:
            self.width = self._first_width(block)
        refused: tuple[RefusedLine, ...] = ()
        parsed, count = self._parsed(block.data) if self.width else (None, 0)
        lines = block.data.count(b"\n")
        if count == lines:
            self._saw_text_after_blanks()
            line_no = pa.arange(block.first_line, block.first_line + lines)
        else:
            block, line_no, refused = self._mended(block)
            parsed, _ = self._parsed(block.data)
        return RawRows(line_no, self._columns(parsed, len(line_no)), refused)

    def _first_width(self, block: Block) -> int:
        """The first row with text decides for all: a FEC is uniform, a stray row is cut or torn.

        0 while only blank lines were seen. A row shorter than the header is accepted as the form
        of the file when it reaches the amounts.
        """
        for offset, line in enumerate(block.data.split(b"\n")[:-1]):
            if not line.strip():
                continue
            count = line.count(self.separator.encode()) + 1
            named = self.header.named_count
            if SHORTEST_ROW <= count < named and not block.is_cut:
                self.tally.warn(
                    "short_rows",
                    f"the rows have {count} fields, the header names {named}; "
                    "the columns after them count as empty",
                    count=1,
                    first_line=block.first_line + offset,
                )
                return count
            if count == named + 1 and self.header.field_count == named:
                self.tally.warn(
                    "trailing_separator",
                    "the lines end with a separator",
                    count=1,
                    first_line=block.first_line + offset,
                )
            return count if count in (named, named + 1, self.header.field_count) else named
        return 0

    def _parsed(self, data: bytes) -> tuple[pa.Table | None, int]:
        """The block as a table of `width` string columns; rows of another width are left out."""
        import pyarrow as pa
        from pyarrow import csv

        if not data:
            return None, 0
        names = [str(position) for position in range(self.width)]
        table = csv.read_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(
                use_threads=False, column_names=names, block_size=len(data) + 1
            ),
            parse_options=csv.ParseOptions(
                delimiter=self.separator,
                quote_char=False,
                double_quote=False,
                escape_char=False,
                newlines_in_values=False,
                ignore_empty_lines=True,
                invalid_row_handler=lambda _: "skip",
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        return table, table.num_rows

    def _mended(self, block: Block) -> tuple[Block, pa.Array, tuple[RefusedLine, ...]]:
        """Line by line: blank lines go, separators at the end are made even, the rest is refused.

        Only blocks with an uneven line come here.
        """
        kept, numbers, refused = [], [], []
        lines = block.data.split(b"\n")[:-1]
        for number, line in enumerate(lines, block.first_line):
            if not line.strip():
                self._saw_blank(number)
                continue
            self._saw_text_after_blanks()
            even = self._even(line)
            if even is None:
                is_cut = block.is_cut and number == block.first_line + len(lines) - 1
                refused.append(self._wrong_width(number, line, is_cut=is_cut))
                continue
            kept.append(even)
            numbers.append(number)
        data = b"".join(line + b"\n" for line in kept)
        return Block(block.first_line, data), integer_array(numbers), tuple(refused)

    def _even(self, line: bytes) -> bytes | None:
        separator = self.separator.encode()
        fields = line.split(separator)
        if len(fields) == self.width:
            return line
        named = self.header.named_count
        if self.width < named or len(fields) < named or b"".join(fields[named:]).strip():
            return None
        return separator.join(fields[:named] + [b""] * (self.width - named))

    def _wrong_width(self, number: int, line: bytes, *, is_cut: bool) -> RefusedLine:
        count = line.count(self.separator.encode()) + 1
        expected = min(self.width, self.header.named_count)
        reason = f"{count} fields where {expected} are expected"
        if is_cut and count < expected:
            reason = f"the file stops in the middle of this line, {reason}"
        return RefusedLine(number, "", reason)

    def _saw_blank(self, number: int) -> None:
        self.first_blank_line = self.first_blank_line or number
        self.blank_lines += 1

    def _saw_text_after_blanks(self) -> None:
        """Blank lines count only when something follows: the end of a file may be blank."""
        if self.blank_lines:
            self.tally.warn(
                "blank_lines",
                "blank lines between the entries were skipped",
                count=self.blank_lines,
                first_line=self.first_blank_line,
            )
            self.blank_lines = self.first_blank_line = 0

    def _columns(self, table: pa.Table | None, count: int) -> dict[str, pa.Array]:
        import pyarrow.compute as pc

        names = list(self.header.columns)
        names += [f"column_{position}" for position in range(len(names) + 1, self.width + 1)]
        columns = {}
        for position, name in enumerate(names):
            if table is None or position >= self.width:
                columns[name] = repeated("", count)
            else:
                columns[name] = pc.utf8_trim_whitespace(one_array(table.column(position)))
        return columns
