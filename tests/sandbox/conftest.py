"""One running server for all tests of the sandbox; each test has it serve fresh books."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tiny_stand_in import Caller, routes, small_world

from encours.sandbox.server import Sandbox


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(small_world(), stand_ins={"tiny": routes}) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.serve(small_world())
    return running_sandbox


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    caller = Caller(sandbox)
    yield caller
    caller.close()
