"""The `encours` command: runs the DAGs and says what happened.

Exit status: 0 done and published, 3 held by the gate, 2 unusable arguments or input, 1 anything
else. Errors are one line on stderr; details are in the run's log.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO
from urllib.parse import parse_qs, urlsplit

import typer

from encours.allocator import leave_objects
from encours.errors import EXIT_FAILED, BadInput, EncoursError
from encours.orchestration import asked
from encours.settings import Settings, load_settings

if TYPE_CHECKING:
    from encours.clients.oauth import Application, Tokens
    from encours.orchestration.runs import Report

app = typer.Typer(
    help="Encours, the open receivables warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

# Typer carries its own click and exports only this child of its usage error.
UsageError: type[typer.BadParameter] = typer.BadParameter.__bases__[0]

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder that holds all state (ENCOURS_HOME, default .encours)."),
]
WarehouseUrl = Annotated[
    str | None,
    typer.Option(
        "--warehouse", help="A PostgreSQL of yours instead of the embedded one (ENCOURS_WAREHOUSE)."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]


def main() -> None:
    """Entry point: one clear line for every error on purpose, and its exit status."""
    _hide_password()
    try:
        typer.main.get_command(app).main(prog_name="encours", standalone_mode=False)
    except UsageError as error:
        _fail(f"{error.format_message()} (see encours --help)", BadInput.exit_status)
    except typer.Abort:
        _fail("interrupted: the published marts are untouched", EXIT_FAILED)
    except EncoursError as error:
        _fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        _fail("interrupted: the published marts are untouched", EXIT_FAILED)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # The reader of a pipe (head, less) has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(EXIT_FAILED)
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", EXIT_FAILED)
    except Exception as error:  # noqa: BLE001 (the last door before a person: one line, not a trace)
        from encours.orchestration.failures import told

        known = told(error)
        line = str(known) if isinstance(known, EncoursError) else _unexpected(error)
        _fail(line, EXIT_FAILED)
    finally:
        leave_objects()


def _hide_password() -> None:
    """Everybody on a machine may read its command lines: this process starts again with a URL that
    holds a password in its environment, which only its own user may read."""
    kept, url = without_url(sys.argv[1:])
    if url and ":" in url.partition("://")[2].rpartition("@")[0]:
        environment = {**os.environ, "ENCOURS_WAREHOUSE": url}
        # -P: `-m` would put the caller's working folder first on the import path.
        program = [sys.executable, "-P", "-m", "encours.cli"]
        os.execve(sys.executable, [*program, *kept], environment)


def without_url(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without --warehouse, and its value."""
    kept: list[str] = []
    url = None
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == "--warehouse":
            url = value if equals else next(rest, None)
        elif argument == "--":
            kept += [argument, *rest]
        else:
            kept.append(argument)
    return kept, url


def _unexpected(error: Exception) -> str:
    """The line for an error that nobody foresaw; its trace goes to the home's log."""
    line = " ".join(str(error).split())[:200]
    log = load_settings().logs_dir / "encours.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a") as file:
            traceback.print_exc(file=file)
    except OSError:
        return f"unexpected {type(error).__name__}: {line}"
    return f"unexpected {type(error).__name__}: {line} (details in {log})"


def _fail(line: str, status: int) -> None:
    print(f"encours: {line}", file=sys.stderr)
    sys.exit(status)


def _settings(home: Path | None, warehouse: str | None) -> Settings:
    settings = load_settings(home, warehouse)
    # What is landed, logged and built is somebody's books: for this user only, and for what starts
    # from here.
    os.umask(0o077)
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        settings.inbox_dir.mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"cannot be made: {error.strerror}",
            where=str(settings.home),
            mend="choose another folder with --home",
        ) from error
    # Children (Airflow tasks, dbt) read the environment: it must say the same.
    os.environ["ENCOURS_HOME"] = str(settings.home)
    if settings.warehouse_url:
        os.environ["ENCOURS_WAREHOUSE"] = settings.warehouse_url
    return settings


# ------------------------------------------------------------------------------ run


@app.command()
def run(
    fec: Annotated[
        list[Path] | None, typer.Option("--fec", help="A FEC file; repeat for several years.")
    ] = None,
    files: Annotated[
        Path | None, typer.Option("--files", help="A folder of flat files (CSV or Parquet).")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="A configured source; repeatable.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Business date of the figures, YYYY-MM-DD.")
    ] = None,
    known_on: Annotated[
        str | None,
        typer.Option("--known-on", help="Use only what was known then, an ISO timestamp."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Work out every month end anew, carry none over."),
    ] = False,
    home: Home = None,
    warehouse: WarehouseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Extract, load, transform, audit, decide and publish."""
    from encours.orchestration import runs

    settings = _settings(home, warehouse)
    order = runs.Order(
        fec=tuple(fec or ()),
        files=files,
        sources=tuple(source or ()),
        as_of_date=asked.day(as_of, "--as-of"),
        known_on=asked.moment(known_on, "--known-on"),
        is_full=full,
    )
    _end(runs.run(settings, order, progress=_say), as_json=as_json)


@app.command("demo")
def demo(
    invoices: Annotated[int, typer.Option(help="How many invoices the demo company has.")] = 3000,
    home: Home = None,
    warehouse: WarehouseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Run the demo group end to end: what `make demo` calls. Two companies deliver flat files, the
    others are read from stand-ins of their accounting systems."""
    from encours.demo.books import DemoOptions, write_books
    from encours.orchestration import runs
    from encours.orchestration.accesses import given_connections
    from encours.sandbox.demo_group import served_subsidiaries

    settings = _settings(home, warehouse)
    options = DemoOptions(invoices=invoices, months=24, seed=1, format="csv")
    folder = settings.home / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    _say("writing the books of the demo group")
    write_books(options, folder / "files")
    with (
        served_subsidiaries(folder) as served,
        given_connections(served) as connections,
    ):
        order = runs.Order(
            files=folder / "files",
            connections=connections,
            is_demo=True,
            as_of_date=options.end,
        )
        report = runs.run(settings, order, progress=_say)
    if report.status == "published" and not as_json:
        print(runs.render_headlines(settings, report))
        sys.exit(report.exit_status)
    _end(report, as_json=as_json)


@app.command("demo-data")
def demo_data(
    invoices: Annotated[int, typer.Option(min=1, help="How many invoices.")],
    months: Annotated[int, typer.Option(min=1, help="Over how many months, up to --end.")],
    seed: Annotated[int, typer.Option(help="Same seed, same books.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    format: Annotated[str, typer.Option(help="csv, parquet or fec.")] = "csv",
    end: Annotated[str | None, typer.Option(help="Last day of the books, YYYY-MM-DD.")] = None,
    home: Home = None,
    warehouse: WarehouseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write believable French B2B books, the same for the same options."""
    from dataclasses import replace

    from encours.demo.books import DemoOptions, write_books

    if format not in ("csv", "parquet", "fec"):
        raise BadInput(f"--format cannot be '{format}'", mend="csv, parquet or fec")
    options = DemoOptions(invoices=invoices, months=months, seed=seed, format=format)
    last_day = asked.day(end, "--end")
    if last_day:
        options = replace(options, end=last_day)
    summary = write_books(options, out)
    if as_json:
        totals = {entity: str(total) for entity, total in summary.receivable.items()}
        print(json.dumps({"rows": dict(summary.rows), "receivable": totals}))
        return
    for name, count in summary.rows.items():
        print(f"{name:<32}{count:>12,}")
    for entity, total in summary.receivable.items():
        print(f"receivables of {entity}: {total:,}")


@app.command("connect")
def connect_source(
    source: Annotated[str, typer.Argument(help="An accounting system: see the README's table.")],
    entity: Annotated[
        str | None, typer.Option("--entity", help="The entity whose books these are.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address of the API.")] = None,
    login: Annotated[str | None, typer.Option(help="User, where the API wants one.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="NAME=VALUE, for what only it wants.")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="A file that holds the key or token; - is stdin.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Remove the connection.")] = False,
    home: Home = None,
    warehouse: WarehouseUrl = None,
) -> None:
    """Connect an accounting system: asks for what is missing, tests it, stores it encrypted."""
    from encours.orchestration import accesses
    from encours.sources.registry import API_SOURCES

    if source not in API_SOURCES:
        raise BadInput(f"unknown source '{source}'", mend=f"one of {', '.join(API_SOURCES)}")
    settings = _settings(home, warehouse)
    name = accesses.connection_id(source, entity)
    if forget:
        if not accesses.forget_access(settings, name):
            stored = ", ".join(accesses.configured(settings).get(source, [])) or "none"
            raise BadInput(f"there is no stored connection {name}", mend=f"of {source}: {stored}")
        print(f"forgotten: {name}")
        return
    given = {"host": host, "login": login, **_pairs(option or [])}
    if secret_file:
        given["password"] = _secret(secret_file)
    values = {
        field.name: _asked(field.name, field.meaning, field.is_required, given.get(field.name))
        for field in API_SOURCES[source].connection
    }
    unknown = {key for key, value in given.items() if value} - values.keys()
    if unknown:
        raise BadInput(
            f"{source} has no use for {sorted(unknown)[0]}",
            mend=f"it takes {', '.join(values)}",
        )
    access = accesses.make_access(
        name,
        host=values.pop("host", None),
        login=values.pop("login", None),
        password=values.pop("password", None),
        extra=json.dumps({key: value for key, value in values.items() if value}),
    )
    application = API_SOURCES[source].application(access)
    if application is None:
        company = accesses.prove_access(access)
        accesses.store_access(settings, access)
    else:
        # The first pair of tokens is issued once: it is stored before it is used.
        accesses.store_access(settings, access, _authorised(application, name))
        company = accesses.prove_access(accesses.with_tokens(settings, access))
    print(f"connected: {name} opens company {company}, entity {access.entity_id}")
    print(f"read it with: encours run --source {source}")


def _authorised(application: Application, name: str) -> Tokens:
    """The first tokens: a person allows the reading on the vendor's page, and brings its answer."""
    state = secrets.token_urlsafe(16)
    _say(f"open this page and allow the reading:\n\n  {application.page_to_authorize(state)}\n")
    _say("then paste the address of the page that you are sent to, whether it shows or not:")
    answer = parse_qs(urlsplit(input().strip()).query)
    if answer.get("state") != [state] or not answer.get("code"):
        raise BadInput(
            "this address is not the answer to this request", mend="run again, and paste it whole"
        )
    return application.first_tokens(name, answer["code"][0])


def _pairs(options: list[str]) -> dict[str, str | None]:
    wrong = [text for text in options if "=" not in text]
    if wrong:
        raise BadInput(f"--option {wrong[0]} has no value", mend="write NAME=VALUE")
    return {name: value for name, _, value in (text.partition("=") for text in options)}


def _secret(path: Path) -> str:
    text = sys.stdin.read() if str(path) == "-" else path.read_text()
    return text.strip()


def _asked(name: str, meaning: str, is_required: bool, given: str | None) -> str | None:
    """What was given, else what the person at the terminal answers."""
    if given is not None or not (is_required or sys.stdin.isatty()):
        return given
    if not sys.stdin.isatty():
        how = "--secret-file" if name == "password" else f"--{name} or --option {name}=…"
        raise BadInput(f"{name} is missing: {meaning}", mend=how)
    question = f"{meaning}{'' if is_required else ' (may be empty)'}: "
    is_secret = name.endswith("password")
    answer = getpass.getpass(question) if is_secret else input(question)
    if is_required and not answer.strip():
        raise BadInput(f"{name} is missing: {meaning}", mend="run again")
    return answer.strip() or None


# ------------------------------------------------------------------------------ reading


@app.command()
def sql(
    query: str,
    format: Annotated[str, typer.Option(help="table, csv or json.")] = "table",
    home: Home = None,
    warehouse: WarehouseUrl = None,
) -> None:
    """Run one read-only query on the published marts, as the BI role."""
    from encours.warehouse.reading import FORMATS, read_query

    if format not in FORMATS:
        raise BadInput(f"--format cannot be '{format}'", mend=" or ".join(FORMATS))
    settings = _settings(home, warehouse)
    for line in FORMATS[format](read_query(settings, query)):
        print(line)


@app.command()
def url(home: Home = None, warehouse: WarehouseUrl = None) -> None:
    """Print the connection URL of the BI role."""
    from encours.warehouse.connections import open_reader

    print(open_reader(_settings(home, warehouse)))


@app.command("check-fec")
def check_fec(
    file: Path,
    home: Home = None,
    warehouse: WarehouseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Conformance report of a FEC file; nothing is loaded."""
    from encours.clients.fec_conformance import conformance_report

    report = conformance_report(file)
    print(json.dumps(report.to_json()) if as_json else report.render())
    sys.exit(0 if report.can_be_loaded else BadInput.exit_status)


@app.command()
def status(home: Home = None, warehouse: WarehouseUrl = None, as_json: AsJson = False) -> None:
    """Last runs, last publication, what is held and why, freshness per source."""
    from encours.orchestration.status import read_status, render_status

    current = read_status(_settings(home, warehouse))
    print(json.dumps(current, default=str) if as_json else render_status(current))


@app.command()
def doctor(home: Home = None, warehouse: WarehouseUrl = None, as_json: AsJson = False) -> None:
    """Look for the usual faults of an installation, and say how to mend each. Changes nothing."""
    from encours.orchestration.doctor import examination
    from encours.orchestration.doctor.findings import Installation

    # Not _settings: it makes the home.
    findings = examination.examine(Installation(load_settings(home, warehouse)))
    print(examination.as_json(findings) if as_json else examination.render(findings))
    sys.exit(examination.exit_status(findings))


@app.command()
def alert(
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message on every channel.")
    ] = False,
    home: Home = None,
    warehouse: WarehouseUrl = None,
) -> None:
    """What is wrong now, and the channels on which people are told."""
    from encours.orchestration import alerting
    from encours.orchestration.status import alert_lines, read_status

    settings = _settings(home, warehouse)
    if not test:
        current = read_status(settings)
        print("\n".join(alert_lines(current["incidents"], current["channels"])))
        return
    outcomes = alerting.send_test(settings)
    if not outcomes:
        raise BadInput("no channel is configured", mend=f"write {settings.home}/alerts.yml")
    for channel, error in outcomes.items():
        print(f"{channel}: {error or 'delivered'}")
    if any(outcomes.values()):
        sys.exit(EXIT_FAILED)


# ------------------------------------------------------------------------------ deciding


@app.command()
def release(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    reason: Reason,
    home: Home = None,
    warehouse: WarehouseUrl = None,
) -> None:
    """Publish a run that the gate holds."""
    from encours.orchestration import control

    published = control.release(
        _settings(home, warehouse), run_id, released_by=_who(), reason=reason
    )
    print(f"released: {published.publication_id} as of {published.as_of_date}")


@app.command()
def rollback(reason: Reason, home: Home = None, warehouse: WarehouseUrl = None) -> None:
    """Go back to the publication before the current one."""
    from encours.orchestration import control

    published = control.roll_back(_settings(home, warehouse), rolled_back_by=_who(), reason=reason)
    print(f"rolled back: {published.publication_id} as of {published.as_of_date} is current again")


@app.command()
def rebuild(
    as_of: Annotated[str, typer.Option("--as-of", help="Business date, YYYY-MM-DD.")],
    schema: Annotated[str, typer.Option(help="Schema to build into.")],
    known_on: Annotated[
        str | None, typer.Option("--known-on", help="Use only what was known then.")
    ] = None,
    home: Home = None,
    warehouse: WarehouseUrl = None,
) -> None:
    """Rebuild the marts of a past pair of dates beside the published ones."""
    from encours.orchestration import control
    from encours.orchestration.run_ids import new_run_id

    day = asked.day(as_of, "--as-of")
    assert day is not None
    build = control.rebuild(
        _settings(home, warehouse), new_run_id(), day, asked.moment(known_on, "--known-on"), schema
    )
    print(f"schema {schema}: as of {build.as_of_date}, known on {build.known_on.isoformat()}")


# ------------------------------------------------------------------------------ services


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the Airflow UI; 0 takes a free one.")] = 0,
    home: Home = None,
    warehouse: WarehouseUrl = None,
) -> None:
    """Start Airflow's scheduler and UI on this home, and leave them running."""
    from encours.orchestration import services

    running = services.start(_settings(home, warehouse), port, progress=_say)
    print(f"Airflow   {running.url}   user {running.user}, password {running.password}")
    print(f"inbox     {running.inbox}")
    if running.others:
        others = ", ".join(f"{name} ({role})" for name, role in running.others.items())
        print(f"users     also {others}: passwords in {running.passwords}")
    print("stop it with: encours stop")


@app.command("take-over")
def take_over(home: Home = None, warehouse: WarehouseUrl = None) -> None:
    """Write to your own PostgreSQL from this home from now on; the home that did is refused."""
    from encours.warehouse import ownership

    settings = _settings(home, warehouse)
    before = ownership.take_over(settings)
    print(f"the warehouse belongs to {settings.home}")
    if before is not None:
        print(f"before: {before.path} on {before.host_name}, since {before.claimed_at:%Y-%m-%d}")


@app.command()
def stop(home: Home = None, warehouse: WarehouseUrl = None) -> None:
    """Stop what `run` or `up` left running in this home."""
    from encours.orchestration import services

    stopped = services.stop(_settings(home, warehouse))
    print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running in this home")


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    books: Annotated[
        Path | None, typer.Option(help="A folder of flat files (CSV); the demo company without.")
    ] = None,
    entity: Annotated[
        str | None, typer.Option(help="Which entity is served; the first one without.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:TIMES][,OPTION=VALUE...]",
            help="What goes wrong: truncated:2,on=/pennylane/*,after=3. Repeatable.",
        ),
    ] = None,
) -> None:
    """Serve local stand-ins of the accounting APIs, from one set of books, until Ctrl-C."""
    from encours.sandbox.books import read_world
    from encours.sandbox.faults import parse_fault
    from encours.sandbox.running import (
        announcement,
        demo_world,
        sigterm_interrupts,
        wait_for_interrupt,
    )
    from encours.sandbox.server import Sandbox

    faults = [parse_fault(text) for text in fault or ()]
    world = read_world(books, entity_id=entity) if books else demo_world(entity)
    world.let_clock_run()
    served = Sandbox(world, port)
    for wanted in faults:
        served.faults.add(**wanted)
    with sigterm_interrupts(), served:
        for line in announcement(served):
            print(line, flush=True)
        wait_for_interrupt()


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _end(report: Report, *, as_json: bool) -> NoReturn:
    """What came of a run, as its command says it, and the exit status of that."""
    from encours.orchestration import runs

    if as_json:
        print(json.dumps(report.to_json(), default=str))
    elif not report.error:
        _say("")
        print(runs.render(report))
    if report.error:
        print(f"encours: {report.error}", file=sys.stderr)
    sys.exit(report.exit_status)


def _say(line: str) -> None:
    """Progress is for a person: to stderr, so that stdout stays data."""
    print(line, file=_person, flush=True)


# A descriptor of its own: a run sends the process's stderr to its log.
_person: TextIO = os.fdopen(os.dup(2), "w")


if __name__ == "__main__":
    main()
