"""JSON as the vendors write it: amounts as exact numbers where they are numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from starlette.responses import Response

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def read_json(body: bytes) -> Any:
    """Numbers with a fraction as Decimal. ValueError where the body is not JSON."""
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def write_json(value: Any) -> bytes:
    """Decimals as numbers with their own digits, dates and moments in ISO form."""
    return _encoder.encode(value)


def answer_json(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(write_json(value), status, headers, media_type="application/json")
