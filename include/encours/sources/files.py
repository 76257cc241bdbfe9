"""What is delivered as files: the legal ledger file, and the canonical model itself."""

from __future__ import annotations

from encours.clients.flat_file_schema import STREAMS
from encours.sources.source import FileSource

FEC = FileSource(
    key="fec",
    title="FEC, the legal French ledger file",
    # Its lines belong to a delivered file, not to a versioned record: loading/fec.py.
    streams=(),
)
FILES = FileSource(
    key="files",
    title="flat files, the canonical model as CSV or Parquet",
    streams=("deliveries", *(stream.name for stream in STREAMS)),
)
