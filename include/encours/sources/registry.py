"""The sources that Encours extracts from, as data: keys and streams.

A source that is registered here gets a raw schema, an ingest DAG and a place in the inbox.
"""

from __future__ import annotations

from dataclasses import dataclass

from encours.clients.flat_file_schema import STREAMS


@dataclass(frozen=True)
class Source:
    """`key` names the raw schema, the asset and the DAG; `streams` its versioned raw tables."""

    key: str
    title: str
    streams: tuple[str, ...]


FEC = Source(
    key="fec",
    title="FEC, the legal French ledger file",
    # Its lines belong to a delivered file, not to a versioned record: loading/fec.py.
    streams=(),
)
FILES = Source(
    key="files",
    title="flat files, the canonical model as CSV or Parquet",
    streams=("deliveries", *(stream.name for stream in STREAMS)),
)
SOURCES = {source.key: source for source in (FEC, FILES)}
