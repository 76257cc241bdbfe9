"""A token endpoint whose refresh tokens rotate, on 127.0.0.1, and a store of tokens in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from encours.clients.oauth import Tokens


class StoreInMemory:
    """As processes share one: a lock, and what was stored in order."""

    def __init__(self, tokens: Tokens) -> None:
        self.stored = [tokens]
        self._lock = threading.Lock()

    def read(self) -> Tokens:
        return self.stored[-1]

    def renew(self, spent: Tokens, exchange: Callable[[Tokens], Tokens]) -> Tokens:
        with self._lock:
            if self.stored[-1].access_token == spent.access_token:
                self.stored.append(exchange(self.stored[-1]))
            return self.stored[-1]


@dataclass
class TokenEndpoint:
    """`good` is the only refresh token that is worth anything; each renewal spends it. `instead` is
    answered in place of tokens: status, body."""

    good: str = "canary-refresh-0"
    date: str = "Sun, 01 Mar 2026 08:00:00 GMT"
    instead: tuple[int, bytes] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, fields: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append(fields)
        if self.instead is not None:
            return self.instead
        given = fields.get("refresh_token") or fields.get("code")
        if given != self.good:
            return 400, b'{"error": "invalid_grant", "error_description": "canary-words"}'
        number = len(self.asked)
        self.good = f"canary-refresh-{number}"
        return 200, json.dumps(
            {
                "access_token": f"canary-access-{number}",
                "refresh_token": self.good,
                "token_type": "bearer",
                "expires_in": 300,
            }
        ).encode()


@contextmanager
def serving(endpoint: TokenEndpoint) -> Iterator[TokenEndpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, answer = endpoint.answer(dict(parse_qsl(body.decode())))
            self.send_response_only(status)
            self.send_header("Date", endpoint.date)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
