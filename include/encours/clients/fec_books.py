"""What the lines of a FEC say together: entries, lettering groups, receivable balances.

Per batch the lines are grouped by kernels; only the groups are kept from batch to batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from encours.arrow_text import is_empty, one_array, text
from encours.clients.fec_ledger import RECEIVABLE_PATTERN, RECEIVABLE_PREFIXES
from encours.clients.fec_values import per_distinct

if TYPE_CHECKING:
    import pyarrow as pa

ENTRY_KEY = ("journal_code", "entry_number", "entry_date")
# Lettering codes are re-used from one account to the next (apis.md §1.5).
LETTERING_KEY = ("account", "auxiliary", "lettering")
_SCALE = 12
_MOST_PARTIAL_GROUPS = 300_000
_SHOWN = 5


@dataclass(frozen=True)
class Groups:
    """How many groups there are, how many do not sum to zero, and where those start."""

    count: int
    unbalanced: int
    first_lines: tuple[int, ...]

    @property
    def balanced(self) -> int:
        return self.count - self.unbalanced


@dataclass(frozen=True)
class ReceivableBalance:
    """Lines and balance (debit positive) of the accounts that start with `prefix`."""

    prefix: str
    line_count: int
    balance: Decimal


@dataclass(frozen=True)
class NumberGaps:
    """Entry numbers that the sequence skips; counted per journal where numbers restart."""

    missing: int
    is_per_journal: bool


@dataclass
class _Sums:
    """Sums of `net` per key over all batches."""

    keys: Sequence[str]
    partial: list[pa.Table] = field(default_factory=list)
    rows: int = 0

    def add(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        groups = self._grouped(table.select([*self.keys, "net", "line_no"]))
        self.partial.append(groups)
        self.rows += groups.num_rows
        if self.rows > _MOST_PARTIAL_GROUPS and len(self.partial) > 1:
            self.partial = [self.total()]
            # Doubling the room each time keeps the number of regroupings small.
            self.rows = self.partial[0].num_rows // 2

    def total(self) -> pa.Table | None:
        import pyarrow as pa

        if not self.partial:
            return None
        if len(self.partial) == 1:
            return self.partial[0]
        return self._grouped(pa.concat_tables(self.partial))

    def _grouped(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        found = table.group_by(list(self.keys), use_threads=False).aggregate(
            [("net", "sum"), ("line_no", "min")]
        )
        net = found.column("net_sum").cast(pa.decimal128(38, _SCALE))
        columns = [*(found.column(key) for key in self.keys), net, found.column("line_no_min")]
        return pa.Table.from_arrays(columns, names=[*self.keys, "net", "line_no"])


@dataclass
class _Runs:
    """Entries as balanced runs of lines, for a file whose entry number is constant.

    A run ends where its sum is zero; one that is open when the journal or the date changes is an
    entry that does not balance.
    """

    count: int = 0
    unbalanced: int = 0
    first_lines: list[int] = field(default_factory=list)
    _key: tuple[str, str] | None = None
    _sum: Decimal = Decimal(0)
    _start: int = 0

    def add(self, table: pa.Table) -> None:
        columns = (table.column(name) for name in ("journal_code", "entry_date", "net", "line_no"))
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        for journal, day, net, line_no in rows:
            if self._sum and (journal, day) != self._key:
                self._close()
            if not net and not self._sum:
                continue
            if not self._sum:
                self._key, self._start = (journal, day), line_no
            self._sum += net
            if not self._sum:
                self.count += 1

    def groups(self) -> Groups:
        if self._sum:
            self._close()
        return Groups(self.count, self.unbalanced, tuple(self.first_lines))

    def _close(self) -> None:
        self.count += 1
        self.unbalanced += 1
        if len(self.first_lines) < _SHOWN:
            self.first_lines.append(self._start)
        self._sum = Decimal(0)


@dataclass
class Books:
    """Fed with the batches of `read_fec`."""

    _entries: _Sums = field(default_factory=lambda: _Sums(ENTRY_KEY))
    _letterings: _Sums = field(default_factory=lambda: _Sums(LETTERING_KEY))
    _runs: _Runs | None = field(default_factory=_Runs)
    _number: str | None = None
    _receivable_lines: dict[str, int] = field(default_factory=dict)
    _receivable_nets: dict[str, Decimal] = field(default_factory=dict)
    receivable_without_auxiliary: int = 0
    lettered_lines: int = 0
    lines_with_due_date: int = 0

    def add(self, batch: pa.Table) -> None:
        import pyarrow.compute as pc

        table = batch.append_column("net", _net(batch))
        self._entries.add(table)
        self._add_runs(table)
        receivable = table.filter(pc.match_substring_regex(table["account"], RECEIVABLE_PATTERN))
        if receivable.num_rows:
            self._add_receivable(receivable)

    def _add_runs(self, table: pa.Table) -> None:
        import pyarrow.compute as pc

        if self._runs is None:
            return
        found = pc.min_max(table["entry_number"])
        lowest, highest = found["min"].as_py(), found["max"].as_py()
        if lowest != highest or lowest != (self._number or lowest):
            self._runs = None
            return
        self._number = lowest
        self._runs.add(table)

    def _add_receivable(self, table: pa.Table) -> None:
        import pyarrow.compute as pc

        lettered = table.filter(pc.invert(is_empty(table["lettering"])))
        self.lettered_lines += lettered.num_rows
        self._letterings.add(lettered)
        self.receivable_without_auxiliary += pc.sum(is_empty(table["auxiliary"])).as_py()
        self.lines_with_due_date += pc.sum(pc.invert(is_empty(table["due_date"]))).as_py()
        for prefix in RECEIVABLE_PREFIXES:
            part = table.filter(pc.starts_with(table["account"], prefix))
            if part.num_rows:
                known = self._receivable_lines.get(prefix, 0)
                self._receivable_lines[prefix] = known + part.num_rows
                net = self._receivable_nets.get(prefix, Decimal(0))
                self._receivable_nets[prefix] = net + pc.sum(part["net"]).as_py()

    @property
    def number_is_constant(self) -> bool:
        return self._runs is not None and self._runs.groups().count > 1

    def entries(self) -> Groups:
        """By journal, number and date; by balanced runs when every number is the same."""
        if self._runs is not None and self.number_is_constant:
            return self._runs.groups()
        return _unbalanced(self._entries.total())

    def letterings(self) -> Groups:
        return _unbalanced(self._letterings.total())

    def receivables(self) -> tuple[ReceivableBalance, ...]:
        return tuple(
            ReceivableBalance(prefix, self._receivable_lines[prefix], _plain(net))
            for prefix, net in sorted(self._receivable_nets.items())
        )

    def number_gaps(self) -> NumberGaps | None:
        """None where the numbers are not all whole numbers, or are all the same."""
        import pyarrow as pa
        import pyarrow.compute as pc

        total = self._entries.total()
        if total is None or self.number_is_constant:
            return None
        numbers = total["entry_number"]
        if not pc.all(pc.match_substring_regex(numbers, "^[0-9]{1,15}$")).as_py():
            return None
        pairs = pa.Table.from_arrays(
            [total["journal_code"], pc.cast(numbers, pa.int64())], names=["journal", "number"]
        )
        pairs = pairs.group_by(["journal", "number"], use_threads=False).aggregate([])
        distinct = pc.count_distinct(pairs["number"]).as_py()
        is_per_journal = distinct < pairs.num_rows
        spans = pairs if is_per_journal else pairs.select(["number"])
        keys = ["journal"] if is_per_journal else []
        found = spans.group_by(keys, use_threads=False).aggregate(
            [("number", "min"), ("number", "max"), ("number", "count")]
        )
        missing = sum(
            row["number_max"] - row["number_min"] + 1 - row["number_count"]
            for row in found.to_pylist()
        )
        return NumberGaps(missing, is_per_journal)


def _net(table: pa.Table) -> pa.Array:
    """Debit minus credit of each line, exact to twelve decimals."""
    import pyarrow.compute as pc

    debit, credit = (_decimals(one_array(table[name])) for name in ("debit", "credit"))
    return pc.subtract(debit, credit)


def _decimals(values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = pa.decimal128(30, _SCALE)
    try:
        return pc.cast(values, kind)
    except pa.ArrowInvalid:
        # 1E-13 and the like: what a program leaves of zero, rounded away.
        return pc.cast(per_distinct(values, _rounded).values, kind)


def _rounded(value: str) -> str:
    return f"{round(Decimal(value), _SCALE):f}"


def _unbalanced(total: pa.Table | None) -> Groups:
    import pyarrow.compute as pc

    if total is None:
        return Groups(0, 0, ())
    zero = pc.cast(text("0"), total.schema.field("net").type)
    wrong = total.filter(pc.not_equal(total["net"], zero))
    lines = sorted(_few(wrong["line_no"]))
    return Groups(total.num_rows, wrong.num_rows, tuple(lines))


def _few(line_no: pa.ChunkedArray) -> Iterator[int]:
    import pyarrow.compute as pc

    order = pc.sort_indices(line_no)
    yield from line_no.take(order.slice(0, _SHOWN)).to_pylist()


def _plain(number: Decimal) -> Decimal:
    """Two decimals, more only where they are not zero."""
    cents = number.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    return cents if cents == number else number.normalize()
