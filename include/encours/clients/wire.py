"""What every request to a vendor has in common, whether it asks for books or for tokens: no
credentials of the machine's own, no proxy before this machine, and the vendor's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import requests


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The `auth` of a request that names itself otherwise: without one, a ~/.netrc of the machine
    would take its place."""
    return request


def read_date(text: str | None) -> datetime | None:
    """A moment as HTTP writes it (RFC 9110, section 5.6.7), in UTC; None where it is none."""
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) if moment else None
