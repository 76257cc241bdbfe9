"""Receivers on this machine of what Airflow tells when it is asked to: metrics, traces, lineage."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def metrics_receiver() -> Iterator[tuple[int, set[str]]]:
    """A port that listens to StatsD over UDP, and the names of the metrics that came."""
    names: set[str] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(0.5)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    packet = heard.recv(65536).decode()
                except TimeoutError:
                    continue
                names.update(line.partition(":")[0] for line in packet.splitlines())

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield heard.getsockname()[1], names
        finally:
            ended.set()
            thread.join()


@contextmanager
def telemetry_receiver() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of an OpenLineage or OpenTelemetry endpoint, and path and body of what came."""
    came: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            came.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: tests print what fails only."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        server.server_close()
