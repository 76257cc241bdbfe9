"""docs/figures.md of the dbt project read as data: figures, and the lines of their examples.

A section names its tables in the heading, its figures in a table, and works them through in a
block: `table: condition` names one row, each line below it a column, how it comes about, its value.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from encours.settings import project_root

ENGLISH = project_root() / "dbt_project" / "docs" / "figures.md"
FRENCH = ENGLISH.with_name("figures.fr.md")
BOOKS = project_root() / "docs" / "example_books"

HEADING = re.compile(r"## .*`")
FIGURE = re.compile(r"\| `(\w+)` \| (.+) \| (.+) \|")
ROW = re.compile(r"(\w+): (.+)")
VALUE = re.compile(r"(\w+) {2,}(?:(.+) = )?(.+)")
OPERATORS: Mapping[type, Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class Figure:
    """A column of one table or of several that share it."""

    tables: tuple[str, ...]
    column: str
    sentence: str
    formula: str


@dataclass(frozen=True)
class Example:
    """What a column of one published row holds; `sum_` is empty where nothing is computed."""

    table: str
    condition: str
    column: str
    sum_: str
    value: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} where {self.condition}"


@dataclass(frozen=True)
class Page:
    figures: tuple[Figure, ...]
    examples: tuple[Example, ...]


def read_page(path: Path) -> Page:
    figures: list[Figure] = []
    examples: list[Example] = []
    tables: tuple[str, ...] = ()
    table = condition = ""
    fence = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
        elif fence == "```text":
            if row := ROW.fullmatch(line):
                table, condition = row.groups()
            elif value := VALUE.fullmatch(line):
                column, sum_, shown = value.groups()
                examples.append(Example(table, condition, column, sum_ or "", number(shown)))
            else:
                raise AssertionError(f"{path.name}: neither a row nor a value: {line}")
        elif not fence and HEADING.match(line):
            tables = tuple(re.findall(r"`(\w+)`", line))
        elif not fence and tables and (figure := FIGURE.fullmatch(line)):
            figures.append(Figure(tables, *figure.groups()))
    return Page(tuple(figures), tuple(examples))


def number(text: str) -> str:
    return text.replace("−", "-")


def computed(sum_: str) -> Decimal:
    """The value of a sum in + − × ÷ and brackets."""
    python = number(sum_).replace("×", "*").replace("÷", "/")
    return _value(ast.parse(python, mode="eval").body, python)


def _value(node: ast.expr, text: str) -> Decimal:
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_value(node.left, text), _value(node.right, text))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, text)
    # As written: Python would make a float of it.
    return Decimal(ast.get_source_segment(text, node) or "")
