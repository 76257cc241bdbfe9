"""Who looks at the page and what they may do: asked of Airflow, which the page does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request


@dataclass(frozen=True)
class Visitor:
    """`name` goes into the ledger of publications; `user_id` ties a form to who was shown it."""

    user_id: str
    name: str
    may_read: bool
    may_decide: bool


class NotSignedIn(Exception):
    """No valid credential came with the request."""


class Access(Protocol):
    async def visitor(self, request: Request) -> Visitor:
        """NotSignedIn for a stranger."""

    def login_path(self, request: Request, back_to: str) -> str:
        """Where a stranger signs in; leads back to the path."""
