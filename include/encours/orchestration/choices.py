"""What policies.yml says, where the models of a build read it."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import psycopg
from psycopg import sql

from encours.policies import Announcement, Choice, read_announcements, read_choices
from encours.settings import Settings

LEDGER = "ops"
TABLES = ("policy_choice", "announced_change")


@dataclass(frozen=True)
class Chosen:
    """The choices of a home and the jumps that it announces."""

    choices: tuple[Choice, ...]
    announcements: tuple[Announcement, ...]

    @property
    def entity_ids(self) -> set[str]:
        """The companies that are named; what holds for all of them names none."""
        named = {choice.entity_id for choice in self.choices}
        named |= {announcement.entity_id for announcement in self.announcements}
        return {entity_id for entity_id in named if entity_id is not None}


def read_chosen(settings: Settings) -> Chosen:
    """As policies.yml stands now. BadInput names the entry to mend."""
    return Chosen(read_choices(settings), read_announcements(settings))


def write_chosen(connection: psycopg.Connection, chosen: Chosen, schema: str = LEDGER) -> None:
    """Replace what runs read in the ledger. A rebuild gives a schema of its own instead, where the
    tables are made: it changes nothing for a run."""
    choices, announced = (sql.Identifier(schema, name) for name in TABLES)
    with connection.transaction(), connection.cursor() as cursor:
        for name in TABLES:
            preparing = "delete from {}" if schema == LEDGER else "create table {} (like {})"
            cursor.execute(
                sql.SQL(preparing).format(
                    sql.Identifier(schema, name), sql.Identifier(LEDGER, name)
                )
            )
        cursor.executemany(
            sql.SQL("insert into {} (entity_id, policy, value) values (%s, %s, %s)").format(
                choices
            ),
            [astuple(choice) for choice in chosen.choices],
        )
        cursor.executemany(
            sql.SQL(
                "insert into {} (entity_id, measure, starts_on, ends_on, reason)"
                " values (%s, %s, %s, %s, %s)"
            ).format(announced),
            [astuple(announcement) for announcement in chosen.announcements],
        )
