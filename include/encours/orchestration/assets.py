"""The assets that tie the DAGs together, by name."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAny, AssetWatcher

from encours.orchestration.inbox_trigger import InboxTrigger
from encours.sources.registry import FILE_SOURCES, SOURCES

MARTS = Asset("marts/receivables")
RAW = {key: Asset(f"raw/{key}") for key in SOURCES}
ANY_RAW = AssetAny(*RAW.values())
# A file dropped in the home's inbox makes an event of the source that it belongs to.
INBOX = {
    key: Asset(
        f"inbox/{key}",
        watchers=[AssetWatcher(name=f"inbox_{key}", trigger=InboxTrigger(source=key))],
    )
    for key in FILE_SOURCES
}
