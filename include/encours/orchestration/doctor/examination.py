"""`encours doctor`: every check, one line each. It reads, and changes nothing.

A check that cannot be made is a finding as well; it names the kind of error, never its text, which
may hold what somebody typed into a URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import psycopg

from encours.errors import EncoursError, RetryableError
from encours.orchestration.doctor import home, machine, services, warehouse
from encours.orchestration.doctor.findings import (
    DatabaseCheck,
    Finding,
    Installation,
    State,
    fail,
    not_applicable,
    ok,
)
from encours.warehouse.connections import connect, known_warehouse, parse_url

WORDS = {State.OK: "ok", State.WARN: "warn", State.FAIL: "FAIL", State.NOT_APPLICABLE: "-"}

Findings = Iterator[tuple[str, Finding]]


def examine(installation: Installation) -> dict[str, Finding]:
    """What every check finds, by its name, in the order of the report."""
    return dict(_examined(installation))


def exit_status(findings: dict[str, Finding]) -> int:
    return int(any(finding.state == State.FAIL for finding in findings.values()))


def render(findings: dict[str, Finding]) -> str:
    width = max(len(name) for name in findings)
    lines = [
        f"{WORDS[finding.state]:<5}{name:<{width}}  {finding.says}"
        + (f"  →  {finding.mend}" if finding.mend else "")
        for name, finding in findings.items()
    ]
    count = {state: sum(f.state == state for f in findings.values()) for state in State}
    lines.append(
        f"{count[State.FAIL]} to mend, {count[State.WARN]} to look at, {count[State.OK]} in order,"
        f" {count[State.NOT_APPLICABLE]} not applicable"
    )
    return "\n".join(lines)


def as_json(findings: dict[str, Finding]) -> str:
    return json.dumps(
        {
            "status": "fail" if exit_status(findings) else "ok",
            "checks": [
                {
                    "check": name,
                    "state": finding.state,
                    "says": finding.says,
                    "mend": finding.mend or None,
                }
                for name, finding in findings.items()
            ],
        },
        ensure_ascii=False,
    )


def _examined(installation: Installation) -> Findings:
    for check in (*machine.CHECKS, *home.CHECKS, *services.CHECKS):
        yield check.name, _look(lambda check=check: check.look(installation))  # type: ignore[misc]
    yield from _warehouse(installation)


def _warehouse(installation: Installation) -> Findings:
    settings = installation.settings
    try:
        known = known_warehouse(settings)
        if known is None:
            yield "warehouse", not_applicable("the embedded PostgreSQL does not run")
            return
        address = parse_url(known.pipeline_url).address
        with closing(_open(known.pipeline_url)) as connection:
            yield "warehouse", ok(f"{address} answers")
            yield from _asked(installation, connection, warehouse.CHECKS)
    except (EncoursError, psycopg.Error) as error:
        yield "warehouse", _unreachable(error)
        return
    try:
        with closing(_open(known.metadata_url)) as connection:
            has_tables = connection.execute("select to_regclass('alembic_version')").fetchone()
            if has_tables is None or has_tables[0] is None:
                yield "Airflow's store", not_applicable("encours up makes it")
                return
            yield "Airflow's store", ok("Airflow's database answers")
            yield from _asked(installation, connection, services.METADATA_CHECKS)
    except (EncoursError, psycopg.Error) as error:
        yield "Airflow's store", _unreachable(error)


def _open(url: str) -> psycopg.Connection:
    connection = connect(url, application_name="encours doctor", autocommit=True)
    connection.execute("set default_transaction_read_only = on")
    connection.execute("set statement_timeout = '10s'")
    return connection


def _unreachable(error: EncoursError | psycopg.Error) -> Finding:
    if isinstance(error, RetryableError):
        return fail(
            str(error), "start the server, or mend ENCOURS_WAREHOUSE (host, port, firewall)"
        )
    if isinstance(error, EncoursError):
        return fail(str(error), "mend ENCOURS_WAREHOUSE or --warehouse")
    return _unforeseen(error)


def _asked(
    installation: Installation, connection: psycopg.Connection, checks: Sequence[DatabaseCheck]
) -> Findings:
    for check in checks:
        yield (
            check.name,
            _look(lambda check=check: check.look(installation, connection)),  # type: ignore[misc]
        )


def _look(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except EncoursError as error:
        return fail(str(error), "mend what the line names")
    except Exception as error:  # noqa: BLE001 (one broken check must not hide the others)
        return _unforeseen(error)


def _unforeseen(error: Exception) -> Finding:
    return fail(
        f"could not be looked at: {type(error).__name__}", "run again with the rights of the home"
    )
