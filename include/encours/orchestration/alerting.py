"""Who is told what: occurrences become incidents, incidents messages, messages deliveries.

Everything here is called beside the work itself (by the notifier, or after a publication) and never
raises: what cannot be told is logged and shows in `encours status`, and the run goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, wraps
from itertools import groupby
from typing import Any, ParamSpec

import psycopg

from encours.alerts import channels as alert_channels
from encours.alerts.channels import Channel, ChannelFailed
from encours.alerts.notices import Finding, Notice, Quantity, from_json, render
from encours.errors import EncoursError, QualityHold
from encours.orchestration import accesses, alert_findings, services
from encours.orchestration.deadlines import is_published_by
from encours.settings import Settings
from encours.warehouse import incidents, ledger
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.incidents import Incident, Occurrence

P = ParamSpec("P")
log = logging.getLogger(__name__)

BUILD = "build_receivables"
GATE_PAGE = "/encours/gate"
PREFIX = f"{accesses.PREFIX}alert_"
# Where a broken configuration shows: it stands where a channel would.
CONFIGURATION = alert_channels.FILE
LATE = "published_by"
TEST = "test"


@dataclass(frozen=True)
class FailedTask:
    """A task that will not be tried again; one that was killed left no error."""

    dag_id: str
    task_id: str
    run_id: str = ""
    connection_id: str = ""
    error: BaseException | None = None


def _never_raises(function: Callable[P, None]) -> Callable[P, None]:
    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:  # An alert must not fail what it is about.
            # Without the error's words: a driver's message may quote the data.
            log.error("%s: nobody could be told: %s", function.__name__, type(error).__name__)
            log.debug("details", exc_info=True)

    return guarded


# ------------------------------------------------------------------------------ what happened


@_never_raises
def report_failure(settings: Settings, failed: FailedTask) -> None:
    """Open or count the incident of what failed; a hold is one of its own kind."""
    with _desk(settings) as desk:
        if isinstance(failed.error, QualityHold):
            _report_hold(desk, failed.run_id)
            return
        place = _place(failed.dag_id, failed.connection_id)
        entity_id = failed.connection_id.removeprefix(accesses.PREFIX).partition("__")[2]
        opened = incidents.record(
            desk.connection,
            Occurrence("failure", place, entity_id=entity_id or None, run_id=failed.run_id or None),
        )
        if opened:
            desk.queue(
                Notice(
                    "failure",
                    run_id=failed.run_id,
                    dag_id=failed.dag_id,
                    step=failed.task_id.rpartition(".")[2],
                    entity_id=entity_id,
                    error=_told(failed.error),
                )
            )


@_never_raises
def report_success(settings: Settings, dag_id: str, connection_id: str = "") -> None:
    """Close the incident of what works again, and say so once."""
    with _desk(settings) as desk:
        for incident in incidents.close(
            desk.connection, "failure", [_place(dag_id, connection_id)]
        ):
            desk.queue(_recovered(incident, dag_id))


def report_publication(settings: Settings) -> None:
    """After a publication or a release: what has ended, what is stale, what is new."""
    _report_published(settings)
    _report_freshness(settings)
    _report_business(settings)


@_never_raises
def _report_published(settings: Settings) -> None:
    with _desk(settings) as desk:
        for incident in (
            *incidents.close(desk.connection, "failure", [BUILD]),
            *incidents.close(desk.connection, "hold"),
        ):
            desk.queue(_recovered(incident, BUILD))


@_never_raises
def report_late(settings: Settings, deadline: datetime) -> None:
    """The deadline has passed and nothing was published on its day: told once until it is."""
    with _desk(settings) as desk:
        current = ledger.read_current(desk.connection)
        if is_published_by(current["published_at"] if current else None, deadline):
            return
        opened = incidents.record(desk.connection, Occurrence("freshness", LATE))
        if opened:
            last = current["published_at"].isoformat() if current else ""
            finding = Finding(
                LATE,
                observed=Quantity(last, "moment") if last else Quantity("never", "word"),
                expected=Quantity(deadline.isoformat(), "moment", "before"),
            )
            desk.queue(Notice("freshness", findings=(finding,)))


def send_test(settings: Settings) -> dict[str, str | None]:
    """Send a test message on every channel. Per channel: None, or why it was not taken."""
    configured = read_channels(settings)
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ledger.ensure_ledger(connection)
        number = incidents.queue(
            connection,
            TEST,
            Notice(TEST).to_json(),
            [channel.name for channel in configured.channels],
        )
        connection.commit()
        _deliver(settings, connection, configured)
        return incidents.read_outcomes(connection, number)


# ------------------------------------------------------------------------------ holds, freshness


def _report_hold(desk: _Desk, run_id: str) -> None:
    verdict = ledger.read_verdict(desk.connection, run_id)
    results = ledger.read_check_results(desk.connection, run_id)
    holding = alert_findings.holding(results)
    missing = list(alert_findings.absent(verdict["reasons"] if verdict else (), holding))
    names = [f"{result.table_name} / {result.check_name}" for result in holding]
    reasons = tuple(sorted({*names, *(finding.what for finding in missing)}))
    opened = incidents.record(
        desk.connection, Occurrence("hold", "; ".join(reasons), reasons, run_id=run_id)
    )
    if opened is None:
        return
    run = ledger.read_run(desk.connection, run_id)
    desk.queue(
        Notice(
            "hold",
            run_id=run_id,
            as_of_date=run["as_of_date"].isoformat() if run and run["as_of_date"] else "",
            findings=(*alert_findings.findings(holding), *missing),
        )
    )


STALE = """
select coverage.entity_id, coverage.source, max(coverage.last_business_date) as last_business_date,
    min(policies.stale_after_days) as stale_after_days
from marts.data_coverage as coverage
-- A crash of the server empties it until the next build.
left join intermediate.int_entity_policies as policies
    on coverage.entity_id = policies.entity_id
where coverage.is_stale
group by coverage.entity_id, coverage.source
order by 1, 2
"""


@_never_raises
def _report_freshness(settings: Settings) -> None:
    with _desk(settings) as desk:
        current = ledger.read_current(desk.connection)
        if current is None:
            return
        stale = desk.connection.execute(STALE).fetchall()
        persisting = [f"{source} {entity_id}" for entity_id, source, _, _ in stale]
        for incident in incidents.close(desk.connection, "freshness", but=persisting):
            desk.queue(_recovered(incident, BUILD))
        found = [
            _stale(current["as_of_date"], *row)
            for row, cause in zip(stale, persisting, strict=True)
            if incidents.record(
                desk.connection,
                Occurrence("freshness", cause, entity_id=row[0], run_id=current["run_id"]),
            )
        ]
        if found:
            desk.queue(
                Notice(
                    "freshness",
                    run_id=current["run_id"],
                    as_of_date=current["as_of_date"].isoformat(),
                    findings=tuple(found),
                )
            )


def _stale(
    as_of_date: date, entity_id: str, source: str, last_day: date | None, after_days: int | None
) -> Finding:
    return Finding(
        "stale",
        observed=Quantity(str((as_of_date - last_day).days), "days")
        if last_day
        else Quantity("unknown", "word"),
        expected=Quantity(str(after_days), "days", "at_most")
        if after_days is not None
        else Quantity("unknown", "word"),
        entity_ids=(entity_id,),
        source=source,
    )


BUSINESS = """
select alerts.alert_id, alerts.alert_type, alerts.entity_id, alerts.observed_value::text,
    alerts.limit_value::text, alerts.unit, alerts.since_date,
    case when alerts.customer_id is not null
        then coalesce(customers.customer_name, alerts.customer_id) end
from marts.mart_alerts as alerts
left join marts.dim_customer as customers on alerts.customer_id = customers.customer_id
order by alerts.entity_id, alerts.alert_type, alerts.observed_value - alerts.limit_value desc,
    alerts.alert_id
"""


@_never_raises
def _report_business(settings: Settings) -> None:
    """What `mart_alerts` has that the publication before had not, in one message."""
    with _desk(settings) as desk:
        current = ledger.read_current(desk.connection)
        row = desk.connection.execute(
            "select to_regclass('marts.mart_alerts') is not null"
        ).fetchone()
        # Marts of an older version, after a rollback, have none.
        if current is None or not (row and row[0]):
            return
        standing = [StandingAlert(*row) for row in desk.connection.execute(BUSINESS).fetchall()]
        names = [alert.alert_id for alert in standing]
        incidents.close(desk.connection, "business", but=names)
        incidents.reopen_wavering(desk.connection, "business", names)
        new = [
            alert
            for alert in standing
            if incidents.record(
                desk.connection,
                Occurrence("business", alert.alert_id, (), alert.entity_id, current["run_id"]),
            )
        ]
        if new:
            desk.queue(
                Notice(
                    "business",
                    run_id=current["run_id"],
                    as_of_date=current["as_of_date"].isoformat(),
                    findings=tuple(_business(new, desk.configured.with_customers)),
                )
            )


@dataclass(frozen=True)
class StandingAlert:
    """A row of mart_alerts; values are decimal text, `customer` is a name or None."""

    alert_id: str
    alert_type: str
    entity_id: str
    observed_value: str
    limit_value: str
    unit: str
    since_date: date
    customer: str | None


def _business(alerts: Sequence[StandingAlert], with_customers: bool) -> Iterator[Finding]:
    """One finding per entity and type: of customers how many they are, and the worst of them."""
    for _, group in groupby(alerts, key=lambda alert: (alert.entity_id, alert.alert_type)):
        members = list(group)
        worst = members[0]
        customers = [alert.customer for alert in members if alert.customer is not None]
        yield Finding(
            worst.alert_type,
            observed=Quantity(_trimmed(worst.observed_value), worst.unit),
            expected=Quantity(_trimmed(worst.limit_value), worst.unit, "at_most"),
            entity_ids=(worst.entity_id,),
            since=worst.since_date.isoformat(),
            customer_count=len(customers),
            customers=tuple(customers) if with_customers else (),
        )


def _trimmed(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _recovered(incident: Incident, dag_id: str) -> Notice:
    what = incident.cause if incident.kind == "freshness" else ""
    findings = (
        Finding(
            LATE if what == LATE else "stale",
            observed=Quantity("unknown", "word"),
            expected=Quantity("unknown", "word"),
            entity_ids=(incident.entity_id,) if incident.entity_id else (),
            source=what.partition(" ")[0],
        ),
    )
    assert incident.closed_at is not None
    return Notice(
        incident.kind,
        stage="recovered",
        run_id=incident.run_id or "",
        dag_id=dag_id,
        entity_id=incident.entity_id or "",
        findings=findings if what else (),
        opened_at=incident.opened_at.isoformat(),
        closed_at=incident.closed_at.isoformat(),
        seen_count=incident.seen_count,
    )


def _place(dag_id: str, connection_id: str) -> str:
    """The cause of a failure: what is broken, whichever of its steps stopped."""
    return f"{dag_id} {connection_id}".strip()


def _told(error: BaseException | None) -> str:
    """Our own errors are lines for a person; anybody else's may quote the data."""
    if isinstance(error, EncoursError):
        return alert_findings.without_data(str(error))
    return type(error).__name__ if error else ""


# ------------------------------------------------------------------------------ channels


@dataclass(frozen=True)
class Configured:
    """The channels of a home, and what is wrong with the configuration, if anything."""

    channels: tuple[Channel, ...]
    with_customers: bool = False
    error: str | None = None


def read_channels(settings: Settings) -> Configured:
    """The channels of the home's file, and of the Airflow connections `encours_alert_<name>`,
    whose password is the URL. EncoursError says what is wrong, without secrets."""
    choices = alert_channels.read_file(settings)
    stored = [
        alert_channels.make_channel(name.removeprefix(PREFIX), url, where=f"connection {name}")
        for name, url in accesses.read_passwords(settings, PREFIX).items()
    ]
    named = {channel.name: channel for channel in (*choices.channels, *stored)}
    return Configured(tuple(named.values()), choices.with_customers)


def read_standing(settings: Settings, connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The channels that are configured, each with what came of its last delivery."""
    configured = _read_channels_or_why(settings)
    used = {row["channel"]: row for row in incidents.read_channels(connection)}
    names = [channel.name for channel in configured.channels]
    unused = {
        "attempted_at": None,
        "error": None,
        "last_delivered_at": None,
        "undelivered_count": 0,
    }
    standing = [{**unused, **used.get(name, {}), "channel": name} for name in names]
    if configured.error:
        row = used.get(CONFIGURATION, unused)
        standing.append({**row, "channel": CONFIGURATION, "error": configured.error})
    return standing


def _read_channels_or_why(settings: Settings) -> Configured:
    try:
        return read_channels(settings)
    except EncoursError as error:
        log.error("alerts: %s", error)
        return Configured((), error=str(error))


class _Desk:
    """One occasion to tell: what happened is written down, then what is due is delivered."""

    def __init__(self, settings: Settings, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._settings = settings

    @cached_property
    def configured(self) -> Configured:
        """Read when there is something to tell only: most successes tell nothing."""
        return _read_channels_or_why(self._settings)

    def queue(self, notice: Notice) -> None:
        names = [one.name for one in self.configured.channels if notice.kind in one.kinds]
        if self.configured.error:
            names.append(CONFIGURATION)
        incidents.queue(self.connection, notice.kind, notice.to_json(), names)


@contextmanager
def _desk(settings: Settings) -> Iterator[_Desk]:
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ledger.ensure_ledger(connection)
        desk = _Desk(settings, connection)
        yield desk
        connection.commit()
        if incidents.is_any_due(connection):
            _deliver(settings, connection, desk.configured)


def _deliver(settings: Settings, connection: psycopg.Connection, configured: Configured) -> None:
    """Try every delivery that is due once."""
    by_name = {channel.name: channel for channel in configured.channels}
    names = [*by_name, *((CONFIGURATION,) if configured.error else ())]
    row = connection.execute("select clock_timestamp()").fetchone()
    connection.commit()
    assert row is not None
    while True:
        with incidents.next_due(connection, names, row[0]) as due:
            if due is None:
                return
            channel = by_name.get(due.channel)
            if channel is None:
                error = configured.error
            else:
                error = _try(channel, _message(settings, from_json(due.content)))
            if error:
                log.info("alerts: channel %s: %s", due.channel, error)
            incidents.note_attempt(connection, due, error)


def _message(settings: Settings, notice: Notice) -> Callable[[Channel], Any]:
    link = gate_link(settings, notice.run_id)
    return lambda channel: render(
        notice,
        language=channel.language or settings.language,
        time_zone=settings.time_zones[0],
        link=link,
    )


def _try(channel: Channel, message: Callable[[Channel], Any]) -> str | None:
    """None when the channel took it, else why not; whatever a library raises is an answer."""
    try:
        alert_channels.send(channel, message(channel))
    except ChannelFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (a broken channel never fails the run)
        return type(error).__name__
    return None


def gate_link(settings: Settings, run_id: str) -> str | None:
    """The page of the run in Airflow's UI; None where none is known to run."""
    base = settings.ui_url or services.running_url(settings)
    if base is None:
        return None
    query = f"?run={run_id}" if run_id else ""
    return f"{base.rstrip('/')}{GATE_PAGE}{query}"
