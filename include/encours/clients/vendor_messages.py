"""What a vendor says of a refused request, cut down to what may be shown.

Vendors echo what they refuse: a token, a customer's name, a line of a document. So only words of a
fixed vocabulary pass (also put together: `invalid_grant`), names of exceptions, and the names of
the request's own parameters; the rest becomes an ellipsis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from encours.clients.json_numbers import read_json
from encours.errors import EncoursError

_MOST_CHARS = 160
_MOST_DEPTH = 5
_CODES = {"code", "$datacode", "errornumber", "errorno"}
_TEXTS = {
    *("message", "$message", "detail", "details", "error_description", "description", "title"),
    *("error", "exc_type", "name", "type"),
}
_HELD_IN = {"fault", "error", "errors", "elements", "validationerrors", "ia::error", "data"}

_WORD = re.compile(r"[^\s,;:.!?()\[\]{}<>\"'`=/&|]+")
_EXCEPTION = re.compile(r"[A-Za-z]{3,40}(?:Exception|Error|Fault)")
_NUMBER_CODE = re.compile(r"[A-Z]{0,4}-?\d{1,6}")
_VOCABULARY = frozenset(
    """
    a above access account accounts active after again all allowed already an and any api app
    application are as at authentication authorisation authorised authorization authorized bad be
    because been before between by call calls cannot change changed company concurrent connection
    contain contains could credit cursor customer customers daily date day days denied deprecated
    did disabled do does down due empty enabled endpoint entity error exceed exceeded exceeds exist
    exists expected expired failed feature field fields filter filters first for forbidden format
    found from given greater grant has have header if in inactive incorrect integer internal invalid
    invoice invoices is issue it item items key last ledger length less level license limit limits
    line lines list locked login long maintenance many maximum may method minimum minute missing
    model module more must name no not null number object of off offset old on only operation
    operator option or order organisation organization out over page pages parameter parameters
    past password payment payments per period permission permissions please plan possible quota
    range rate reached read record records refresh refused request requested requests required
    resource retention retry right rights role scope search seconds server service session short
    should size small sort start state status string subscription supported syntax temporarily
    tenant than that the then there this time timeout to token too try type unauthorised
    unauthorized unavailable unexpected unknown unprocessable unsupported update updated user valid
    validation value values version was while window with within without wrong year you your
    """.split()  # noqa: SIM905
)


def vendor_words(message: str, request: str = "") -> str:
    """The message as one short line of words that tell nothing of anyone; empty when too little
    of it is left. `request` is our own request: the names of its parameters may come back."""
    asked = {name.lower() for name, _ in parse_qsl(urlsplit(request).query, keep_blank_values=True)}
    words = _WORD.findall(message[: 20 * _MOST_CHARS])
    kept = [word if _may_pass(word, asked) else "…" for word in words]
    if 2 * kept.count("…") > len(kept):
        return ""
    return _cut(re.sub(r"…(?: …)+", "…", " ".join(kept)))


def _may_pass(word: str, asked: set[str]) -> bool:
    folded = word.lower()
    is_known = all(part in _VOCABULARY for part in folded.split("_"))
    return is_known or folded in asked or bool(_EXCEPTION.fullmatch(word))


def _cut(line: str) -> str:
    return line if len(line) <= _MOST_CHARS else line[: _MOST_CHARS - 1] + "…"


def refusal(body: bytes, request: str = "") -> str:
    """Codes and message of an error body in any of the shapes that vendors use; often empty."""
    try:
        value = read_json(body)
    except EncoursError:
        return ""
    parts: list[str] = []
    for part in _parts(value, request, _MOST_DEPTH):
        if part and part not in parts:
            parts.append(part)
    return _cut(", ".join(parts[:4]))


def _parts(value: Any, request: str, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value[:3]:
            yield from _parts(item, request, depth - 1)
    elif isinstance(value, dict):
        for name, inner in value.items():
            folded = str(name).lower()
            if isinstance(inner, dict | list):
                if folded in _HELD_IN | _TEXTS:
                    yield from _parts(inner, request, depth - 1)
            elif folded in _CODES and _NUMBER_CODE.fullmatch(str(inner)):
                yield f"code {inner}"
            elif folded in _CODES | _TEXTS and isinstance(inner, str):
                yield vendor_words(inner, request)
