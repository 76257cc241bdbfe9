"""JSON whose fractions stay exact: read as Decimal, written as the digits that they were."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from encours.errors import FatalError, RetryableError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
# Values of a text; each takes many times its bytes in memory. The largest page of any vendor, 2,000
# records, has a tenth of that.
_MOST_VALUES = 4_000_000
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")


def read_json(body: bytes) -> Any:
    """The value of one JSON text; a number with a fraction or an exponent is a Decimal.

    RetryableError where the text breaks off or is a web page in its place (another try may give
    the real one), FatalError where it is something else, or holds more values than a page can have.
    Neither quotes the text.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if not text:
        raise RetryableError("the answer is empty")
    if text.startswith(b"<"):
        raise RetryableError("the answer is a web page, not JSON")
    if sum(map(text.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise FatalError(f"the answer holds more than {_MOST_VALUES:,} values")
    try:
        return _DECODER.decode(text)
    except UnicodeDecodeError:
        broken: Exception = FatalError("the answer is not UTF-8")
    except (msgspec.DecodeError, RecursionError) as error:
        if "truncated" in str(error):
            broken = RetryableError("the answer breaks off")
        else:
            broken = FatalError("the answer is not JSON")
    # Outside of the handlers, whose exceptions would travel along in the traceback.
    raise broken


def write_json(value: Any) -> bytes:
    """Compact UTF-8 with sorted keys: the same value always gives the same bytes.

    A Decimal is written as a number with all its digits (`1.10`). ValueError for a Decimal that is
    not a number: JSON has none.
    """
    text = _ENCODER.encode(value)
    # The encoder writes these two words where a Decimal holds them; inside a text they are fine.
    if b"NaN" in text or b"Infinity" in text:
        try:
            _DECODER.decode(text)
        except msgspec.DecodeError:
            raise ValueError("a Decimal that is not a number cannot be written as JSON") from None
    return text
