"""Small inputs that would unpack to gigabytes. Run as a program, in a process whose memory nothing
else has used: prints what each was refused with, and how many megabytes all of them took."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripted_server import Answer, serve

from encours.clients import sage_intacct_xml, xml_rpc
from encours.clients.fec import inspect_fec, summarise
from encours.clients.flat_files import inspect_directory, read_stream
from encours.clients.json_numbers import read_json
from encours.errors import EncoursError

ENTITIES = (
    "<!DOCTYPE c ["
    + '<!ENTITY e0 "0123456789">'
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)
FEC = (
    "<comptabilite><exercice><DateCloture>2025-12-31</DateCloture><journal>"
    "<JournalCode>VE</JournalCode>{journal}<ecriture><EcritureNum>1</EcritureNum>{lines}"
    "</ecriture></journal></exercice></comptabilite>"
)
LINE = "<ligne><CompteNum>411000</CompteNum><Debit>1.00</Debit><Credit>0</Credit></ligne>"
ANSWER = "<response><control><status>success</status></control><data>{}</data></response>"
ROWS = 20_000


def fec(folder: Path, content: str) -> None:
    path = folder / "123456789FEC20251231.xml"
    path.write_text(content)
    summarise(inspect_fec(path))


def parquet(folder: Path, note: Any, **options: Any) -> None:
    import pyarrow as pa
    from pyarrow import parquet as files

    columns: dict[str, Any] = {
        "document_id": [str(number) for number in range(ROWS)],
        "document_type": ["invoice"] * ROWS,
        "customer_id": ["C"] * ROWS,
        "issue_date": ["2026-01-01"] * ROWS,
        "currency_code": ["EUR"] * ROWS,
        "amount_incl_tax": ["1.00"] * ROWS,
        "note": note,
    }
    files.write_table(pa.table(columns), folder / "documents.parquet", **options)
    (found,) = inspect_directory(folder)
    for _ in read_stream(found):
        pass


def one_value(size: int) -> Any:
    """A column that says one long value in every row, and holds it once."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array([0] * ROWS, pa.int32()), ["x" * size])


def gzip_answer(_folder: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(300)) + packer.flush()
    with serve(Answer(body=packed, headers={"Content-Encoding": "gzip"})) as served:
        served.session().get("/a")


BOMBS: dict[str, Callable[[Path], Any]] = {
    "entities in a FEC": lambda folder: fec(
        folder, ENTITIES + FEC.format(journal="<JournalLib>&e11;</JournalLib>", lines=LINE)
    ),
    "value that every line of a FEC repeats": lambda folder: fec(
        folder,
        FEC.format(journal=f"<JournalLib>{'x' * 1_000_000}</JournalLib>", lines=LINE * 20_000),
    ),
    "elements within elements of a FEC": lambda folder: fec(
        folder, FEC.format(journal="<a>" * 2_000_000, lines="")
    ),
    "element of a FEC with a million names": lambda folder: fec(
        folder,
        FEC.format(journal="".join(f"<n{n}>x</n{n}>" for n in range(200_000)), lines=LINE),
    ),
    "repeated value of a Parquet file": lambda folder: parquet(
        folder, one_value(500_000), compression="zstd"
    ),
    "compressed page of a Parquet file": lambda folder: parquet(
        folder, ["x" * 5_000] * ROWS, compression="zstd", use_dictionary=False
    ),
    "entities in an answer of Sage Intacct": lambda _: sage_intacct_xml.read_answer(
        (ENTITIES + ANSWER.format("<A><B>&e11;</B></A>")).encode()
    ),
    "records of an answer of Sage Intacct": lambda _: sage_intacct_xml.read_answer(
        ANSWER.format("<a/>" * 5_000_000).encode()
    ),
    "entities in an answer of Odoo": lambda _: xml_rpc.read_answer(
        (ENTITIES + "<methodResponse><params>&e11;</params></methodResponse>").encode()
    ),
    "values of an answer of Odoo": lambda _: xml_rpc.read_answer(
        b"<methodResponse><params><param><value><array><data>" + b"<value/>" * 5_000_000
    ),
    "values of a JSON answer": lambda _: read_json(b"[" + b"[]," * 8_000_000 + b"[]]"),
    "gzipped answer": gzip_answer,
}


def main() -> None:
    before = peak_megabytes()
    refused = {}
    for name, explode in BOMBS.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                explode(Path(folder))
            except (EncoursError, ValueError) as error:
                refused[name] = str(error)
    print(json.dumps({"refused": refused, "megabytes": peak_megabytes() - before}))


def peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
