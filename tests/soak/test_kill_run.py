"""kill -9 at forty random moments of a run: the next one publishes the same marts.

make soak
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from encours.settings import Settings
from killed_runs import (
    Blow,
    Homes,
    Tally,
    assert_survived,
    finish_run,
    homes,
    kill_backend,
    kill_dbt,
    kill_dbt_invocation,
    kill_group,
    kill_postmaster,
    kill_run,
    kill_server_process,
    kill_when,
    publication_count,
    start_run,
    wait_until_alone,
)
from marts_content import Row
from readers import readers_of

pytestmark = pytest.mark.soak

SEED = 20261121
VICTIMS = 5 * (
    *("group", "run", "dbt", "dbt invocation", "backend", "server process", "postmaster"),
    "group on flat files",
)
CHOOSER = random.Random(SEED)
# As a share of the time that an undisturbed run takes.
MOMENTS = [round(CHOOSER.uniform(0.02, 0.99), 3) for _ in VICTIMS]


@dataclass(frozen=True)
class Undisturbed:
    homes: Homes
    seconds: float
    ledgers: dict[str, list[Row]]
    flat_files: dict[str, list[Row]]


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[Undisturbed]:
    with homes(invoices=300) as made:
        started = time.monotonic()
        ledgers = made.undisturbed(made.books.next_year)
        seconds = time.monotonic() - started
        yield Undisturbed(made, seconds, ledgers, made.undisturbed(made.books.flat_files))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("victim", "share"), list(zip(VICTIMS, MOMENTS, strict=True)), ids=lambda part: str(part)
)
def test_run_after_a_kill_publishes_the_same_marts(
    undisturbed: Undisturbed, tally: Tally, victim: str, share: float
) -> None:
    made = undisturbed.homes
    is_flat = victim == "group on flat files"
    arguments = made.books.flat_files if is_flat else made.books.next_year
    expected = undisturbed.flat_files if is_flat else undisturbed.ledgers

    def blow_at(share: float) -> Blow:
        return strike(undisturbed, victim, arguments, share)

    assert_survived(made, tally, "encours run", blow_at, share, expected)


def strike(undisturbed: Undisturbed, victim: str, arguments: tuple[str, ...], share: float) -> Blow:
    # One that did not survive is left where it is.
    settings = undisturbed.homes.copy(f"killed-{len(undisturbed.homes.made)}")
    with readers_of(settings) as readers:
        due = time.monotonic() + share * undisturbed.seconds
        process = start_run(settings, arguments)
        kill = {
            "group": lambda: kill_group(process),
            "group on flat files": lambda: kill_group(process),
            "run": lambda: kill_run(process),
            "dbt": lambda: kill_dbt(process),
            "dbt invocation": lambda: kill_dbt_invocation(process),
            "backend": lambda: kill_backend(settings),
            "server process": lambda: kill_server_process(settings, CHOOSER.choice),
            "postmaster": lambda: kill_postmaster(settings),
        }[victim]
        killed, last_line = kill_when(process, lambda: time.monotonic() >= due, kill)
        step = last_step(settings)
        strays = wait_until_alone(settings)
        if killed:
            finish_run(settings, arguments)
    # That of the copied home, of the struck run, and of the one after it.
    follows_itself = publication_count(settings) > 2
    told = f"{victim} in {step}: {last_line}"
    return Blow(settings, killed, told, strays, readers, follows_itself)


def last_step(settings: Settings) -> str:
    """The task that the newest run was in when it ended."""
    newest = max(settings.runs_dir.glob("2*/run.log"), default=None)
    _, mark, after = newest.read_text().rpartition("starting task_id=") if newest else ("", "", "")
    return after.partition(" ")[0] if mark else "its start"
