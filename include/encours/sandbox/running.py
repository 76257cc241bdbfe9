"""What `encours sandbox` does around the server: the demo books, what it prints, how it waits."""

from __future__ import annotations

import shlex
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from encours.demo.books import DemoOptions, write_books
from encours.errors import BadInput
from encours.sandbox.books import World, read_world
from encours.sandbox.server import Sandbox

# Small enough to be read within the request limits of the vendors in a minute or two.
DEMO = DemoOptions(invoices=300, months=12, seed=1)


def demo_world(entity_id: str | None = None) -> World:
    """The books of the bundled demo company."""
    with tempfile.TemporaryDirectory(prefix="encours-sandbox-") as folder:
        write_books(DEMO, Path(folder))
        try:
            return read_world(Path(folder), entity_id=entity_id)
        except BadInput as error:
            error.where = "the demo company"
            raise


def announcement(sandbox: Sandbox) -> Iterator[str]:
    """Lines for a person: what is served, where, and the command that connects to each stand-in."""
    world = sandbox.world
    name = world.entity.entity_name or world.entity_id
    yield f"books     {name}: {len(world.documents)} documents, {len(world.payments)} payments"
    for stand_in in sandbox.names:
        connection = sandbox.connection(stand_in)
        yield ""
        yield f"{stand_in:<16} {connection['host']}   key or secret: {connection['password']}"
        yield f"  {shlex.join(connect_command(stand_in, connection))}"
    yield ""
    yield "stop it with Ctrl-C"


def connect_command(stand_in: str, connection: Mapping[str, Any]) -> list[str]:
    """What connects a home to the stand-in; the key is asked for at the terminal."""
    options = dict(connection["extra"])
    command = ["encours", "connect", stand_in, "--entity", options.pop("entity_id")]
    command += ["--host", connection["host"]]
    if connection.get("login"):
        command += ["--login", connection["login"]]
    for name, value in options.items():
        command += ["--option", f"{name}={value}"]
    return command


def wait_for_interrupt() -> None:
    """Until Ctrl-C, which is how this is meant to end."""
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """What a service manager sends ends the command as Ctrl-C does, and so leaves no file."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
