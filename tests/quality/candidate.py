"""Where the candidate of the gate's tests lives, and how it is changed."""

from __future__ import annotations

import psycopg

SCHEMAS = {"marts": "marts_candidate", "intermediate": "intermediate", "ops": "ops"}


def execute(url: str, script: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(script.encode())
