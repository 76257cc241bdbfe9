"""The moment for a swap: when no statement is looking up the published marts.

A statement looks its tables up by name, one after the other. PostgreSQL locks each that it finds
until the statement ends (in a transaction: until that ends), and looks the name up again where it
had to wait for the lock. So a swap is whole for a statement that has found all its tables before
it, or finds its first one after it. A statement in between would read two publications, or be
refused the one that is retired.

Free tables are locked at once; a connection of its own queues for each of the others. From then on
a new statement waits at its first table, and those that run let go as they end. One that was in
between shows itself, as it has a table and waits for another: it is let through by letting go of
everything, and the next attempt begins. To queue for the tables one after the other would mean, at
almost every attempt where readers do not pause, to wait for such a statement while it waits for us.

Who keeps a transaction open, or reads for minutes, is not waited for: who has had the same table
for two seconds, and waits for nothing, is not looking anything up. Nothing here waits for a table
while it has another, so no reader is ever the victim of a deadlock.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

log = logging.getLogger(__name__)
# Readers are kept waiting by one attempt; all attempts together have the patience.
ATTEMPT_SECONDS = 0.2
PATIENCE_SECONDS = 8.0
SETTLED_SECONDS = 2.0
SHORTEST_PAUSE_SECONDS = 0.01
POLL_SECONDS = 0.005
# Should our process be stopped meanwhile. Less than PostgreSQL's deadlock_timeout.
QUEUE_TIMEOUT = "900ms"

_TABLES = """
select relname from pg_class
where relnamespace = to_regnamespace(%s) and relkind = 'r'
order by relname
"""
# One look at the locks of the server: what it says was true at one time.
_LOCKS = """
with locks as materialized (
    select * from pg_locks where pid <> pg_backend_pid()
)

select
    tables.relname,
    locks.pid,
    locks.virtualtransaction,
    locks.granted,
    exists (
        select from locks as wanted where wanted.pid = locks.pid and not wanted.granted
    ) as is_waiting
from locks
inner join pg_class as tables on locks.relation = tables.oid
where
    locks.locktype = 'relation'
    and locks.database = (select oid from pg_database where datname = current_database())
    and tables.relnamespace = to_regnamespace(%s)
    and tables.relkind = 'r'
"""


@dataclass(frozen=True)
class Hold:
    """A table that the transaction of another session has."""

    table: str
    transaction: str


@dataclass(frozen=True)
class Look:
    """Who has tables, and which ones we have or queue for."""

    holds: frozenset[Hold]
    queued_for: frozenset[str]
    is_somebody_between: bool


class _TryAgain(Exception):
    """A statement is in between, or does not end in time."""


@dataclass
class _Queuer:
    """A connection that queues for one table at a time, and then keeps it."""

    connection: psycopg.Connection
    _let_go: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    def queue(self, table: sql.Identifier) -> None:
        self._let_go.clear()
        self._thread = threading.Thread(target=self._keep, args=[table], daemon=True)
        self._thread.start()

    def let_go(self) -> None:
        self._let_go.set()

    def is_gone(self) -> bool:
        """Wait until it has let go. False if the connection is not to be used again."""
        if self._thread is not None:
            self._thread.join(SHORTEST_PAUSE_SECONDS)
            while self._thread.is_alive():
                with contextlib.suppress(psycopg.Error):
                    self.connection.cancel()
                self._thread.join(SHORTEST_PAUSE_SECONDS)
            self._thread = None
        return self.connection.info.transaction_status == TransactionStatus.IDLE

    def _keep(self, table: sql.Identifier) -> None:
        with contextlib.suppress(psycopg.Error), self.connection.transaction():
            self.connection.execute("select set_config('lock_timeout', %s, true)", [QUEUE_TIMEOUT])
            self.connection.execute(sql.SQL("lock table {} in access exclusive mode").format(table))
            self._let_go.wait()


@dataclass
class QuietMoment:
    """Waits inside a transaction of the connection; see `quiet_moments`."""

    connection: psycopg.Connection
    _queuers: list[_Queuer] = field(default_factory=list)
    _since: dict[Hold, float] = field(default_factory=dict)

    def wait_for(self, schema: str) -> None:
        """Keep statements from the tables of the schema until the transaction has ended. Where no
        such moment comes within seconds it goes on without, with a line in the log."""
        tables = [row[0] for row in self.connection.execute(_TABLES, [schema]).fetchall()]
        end = time.monotonic() + PATIENCE_SECONDS
        while tables:
            started = time.monotonic()
            try:
                with self.connection.transaction():
                    self._try(schema, tables)
            except (_TryAgain, psycopg.errors.LockNotAvailable):
                self.let_go()
            else:
                return
            ended = time.monotonic()
            if ended > end:
                log.warning("readers do not let go of %s: it is replaced under them", schema)
                return
            # Readers get as much time as they were kept waiting.
            time.sleep(max(SHORTEST_PAUSE_SECONDS, ended - started))

    def let_go(self) -> None:
        for queuer in self._queuers:
            queuer.let_go()
        for queuer in tuple(self._queuers):
            if not queuer.is_gone():
                queuer.connection.close()
                self._queuers.remove(queuer)

    def close(self) -> None:
        self.let_go()
        for queuer in self._queuers:
            queuer.connection.close()

    def _try(self, schema: str, tables: list[str]) -> None:
        taken = sorted({hold.table for hold in self._look(schema).holds})
        # It takes milliseconds: before anybody waits.
        while len(self._queuers) < len(taken):
            self._queuers.append(_Queuer(self._connect()))
        started = time.monotonic()
        for queuer, table in zip(self._queuers, taken, strict=False):
            queuer.queue(sql.Identifier(schema, table))
        free = [sql.Identifier(schema, table) for table in tables if table not in taken]
        if free:
            self.connection.execute(
                sql.SQL("lock table {} in access exclusive mode nowait").format(
                    sql.SQL(", ").join(free)
                )
            )
        while not self._is_quiet(self._look(schema), taken):
            if time.monotonic() - started > ATTEMPT_SECONDS:
                raise _TryAgain
            time.sleep(POLL_SECONDS)

    def _is_quiet(self, look: Look, taken: list[str]) -> bool:
        if look.is_somebody_between:
            raise _TryAgain
        now = time.monotonic()
        return look.queued_for.issuperset(taken) and all(
            now - self._since[hold] > SETTLED_SECONDS for hold in look.holds
        )

    def _look(self, schema: str) -> Look:
        ours = {queuer.pid for queuer in self._queuers}
        holds, queued_for, is_somebody_between = set(), set(), False
        for table, pid, transaction, is_granted, is_waiting in self.connection.execute(
            _LOCKS, [schema]
        ).fetchall():
            if pid in ours:
                queued_for.add(table)
            elif is_granted:
                holds.add(Hold(table, transaction))
                is_somebody_between = is_somebody_between or is_waiting
        now = time.monotonic()
        self._since = {hold: self._since.get(hold, now) for hold in holds}
        return Look(frozenset(holds), frozenset(queued_for), is_somebody_between)

    def _connect(self) -> psycopg.Connection:
        about = self.connection.info
        try:
            return psycopg.connect(
                make_conninfo(about.dsn, password=about.password), autocommit=True
            )
        except psycopg.OperationalError as error:
            raise _TryAgain from error


@contextlib.contextmanager
def quiet_moments(connection: psycopg.Connection) -> Iterator[QuietMoment]:
    """Around a transaction that swaps: who waits for it goes on when this block ends."""
    moment = QuietMoment(connection)
    try:
        yield moment
    finally:
        moment.close()
