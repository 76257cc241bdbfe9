"""Texts that somebody may write into a name or a number, and that nothing may take for more."""

from __future__ import annotations

import csv
from pathlib import Path

HOSTILE = (
    "'; drop schema marts cascade; --",
    '"; delete from ops.run; --',
    "Robert'); drop table dim_customer; --",
    "$$; drop schema ops cascade; $$",
    "\\'; select pg_sleep(60); --",
    "%s %(name)s {0} {{ 1 / 0 }} {% raw %}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "-2+3",
    "NULL",
    "\\N",
    "\\.",
    "true",
    "<script>alert(1)</script> &amp; ]]>",
    "${jndi:ldap://localhost/a}",
    'O\'Brien & Söhne, "Ltd"; /* 1 */',
)


# What QuickBooks keeps of the number of a document.
SHORTEST = 21


def hostile(number: int, longest: int = 100) -> str:
    """One of them, told apart by its number, cut to what every system keeps."""
    told = f" {number}"
    return HOSTILE[number % len(HOSTILE)][: longest - len(told)].rstrip() + told


def spoil(path: Path, column: str, longest: int = 100) -> None:
    """Put them into a column of a CSV file, where it holds something."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row[column] = hostile(number, longest) if row[column] else ""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
