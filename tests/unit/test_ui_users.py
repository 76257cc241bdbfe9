"""Who may sign in to Airflow's UI, as an installation chooses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from encours.errors import BadInput
from encours.orchestration.airflow_home import (
    USERS_VARIABLE,
    ui_passwords,
    ui_users,
    users_file,
)
from encours.settings import Settings


def test_admin_is_alone_where_nobody_is_chosen() -> None:
    assert ui_users({}) == {"admin": "admin"}
    assert ui_users({USERS_VARIABLE: ""}) == {"admin": "admin"}


def test_users_have_the_roles_that_the_installation_gives() -> None:
    chosen = ui_users({USERS_VARIABLE: "admin:admin, claire:User ,paul : viewer"})

    assert chosen == {"admin": "admin", "claire": "user", "paul": "viewer"}


@pytest.mark.parametrize(
    "text", ["claire", "claire:", ":viewer", "claire:boss", "claire:user:fr", "a:op,"]
)
def test_user_without_a_known_role_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadInput, match=rf"^{USERS_VARIABLE}: '.*' is no user with a role \(NAME:"):
        ui_users({USERS_VARIABLE: text})


def test_passwords_are_made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    first = ui_passwords(settings, ["admin"])

    second = ui_passwords(settings, ["admin", "paul"])
    third = ui_passwords(settings, ["paul"])

    assert second["admin"] == first["admin"]
    assert len({*second.values()}) == 2
    assert min(map(len, second.values())) >= 20
    assert third == {"paul": second["paul"]}
    # Who is taken off the list may come back.
    assert json.loads(users_file(settings).read_text()) == second
    assert users_file(settings).stat().st_mode & 0o777 == 0o600
