"""Which tables a task read and wrote, told to Airflow's lineage collector.

Airflow hands it on where OpenLineage is switched on (AIRFLOW__OPENLINEAGE__TRANSPORT); where it is
not, nothing is asked of the database and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from encours.loading.arrivals import unread_sources
from encours.settings import Settings
from encours.sources.registry import SOURCES
from encours.warehouse.connections import connect, open_warehouse, parse_url
from encours.warehouse.previous import PUBLISHED

TABLES = """
select nspname || '/' || relname from pg_class
inner join pg_namespace on pg_namespace.oid = relnamespace
where nspname = any(%s) and relkind = 'r' order by 1
"""


def report_load(settings: Settings, source: str) -> None:
    """What a delivery or reading wrote."""
    _report(settings, reads=(), writes=(f"raw_{source}",))


def report_publication(settings: Settings) -> None:
    """From everything that has arrived to everything that BI reads."""
    if _is_listening():
        with connect(open_warehouse(settings).pipeline_url) as connection:
            unread = set(unread_sources(connection))
        reads = tuple(f"raw_{key}" for key in SOURCES if key not in unread)
        _report(settings, reads=reads, writes=(PUBLISHED,))


def _report(settings: Settings, *, reads: Iterable[str], writes: Iterable[str]) -> None:
    """All tables of these schemas, by the URI that names a table of PostgreSQL."""
    if not _is_listening():
        return
    from airflow.sdk.lineage import get_hook_lineage_collector

    url = open_warehouse(settings).pipeline_url
    target = parse_url(url)
    place = f"postgres://{target.host}:{target.port}/{target.database}"
    collector = get_hook_lineage_collector()
    with connect(url) as connection:
        for schemas, tell in (
            (reads, collector.add_input_asset),
            (writes, collector.add_output_asset),
        ):
            for (table,) in connection.execute(TABLES, [list(schemas)]).fetchall():
                # The collector asks who tells it; any object of one's own will do.
                tell(context=settings, uri=f"{place}/{table}")


def _is_listening() -> bool:
    from airflow.sdk.lineage import NoOpCollector, get_hook_lineage_collector

    return not isinstance(get_hook_lineage_collector(), NoOpCollector)
