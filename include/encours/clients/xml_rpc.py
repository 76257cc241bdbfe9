"""XML-RPC bodies: written by Python's library, read without trusting them.

Only the marshalling: who sends a body, how often and how long it waits is `clients.http`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from xml.parsers import expat
from xmlrpc.client import Error, Fault, Unmarshaller, dumps

__all__ = ["Fault", "read_answer", "write_call"]

# A page of 1,000 records with a hundred fields each has a third of that.
_MOST_TAGS = 2_000_000


def write_call(method: str, *arguments: Any) -> bytes:
    return dumps(arguments, methodname=method, encoding="utf-8").encode()


def read_answer(body: bytes) -> Any:
    """What a call returned, fractions as Decimal with the digits that were sent.

    Fault where the call failed there; ValueError where the body is no XML-RPC answer, or declares
    a document type: an answer never needs one, and a few lines of entities fill any memory. So do
    more elements than a page can have.
    """
    if body.count(b"<") > _MOST_TAGS:
        raise ValueError("no XML-RPC answer: too many elements")
    answer = _Answer()
    parser = expat.ParserCreate()
    parser.StartElementHandler = answer.start
    parser.EndElementHandler = answer.end
    parser.CharacterDataHandler = answer.data
    parser.StartDoctypeDeclHandler = _refuse_declarations
    # Without an encoding, texts are taken as the parser decoded them.
    answer.xml("", None)
    try:
        parser.Parse(body, True)
        (value,) = answer.close()
    except Fault:
        raise
    # On nonsense the library raises whatever its parts do.
    except (
        Error,
        expat.ExpatError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError("no XML-RPC answer") from error
    return value


def _refuse_declarations(*_: object) -> None:
    raise ValueError("an XML-RPC answer declares no document type")


class _Answer(Unmarshaller):
    """The library reads `double` as a binary fraction."""

    dispatch = {**Unmarshaller.dispatch}  # noqa: RUF012  the library's own attribute

    def end_decimal(self: Unmarshaller, data: str) -> None:
        self.append(Decimal(data.strip()))
        self._value = False

    dispatch["double"] = end_decimal
