"""The connections of API sources: what their names and fields say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from encours.errors import BadInput, FatalError
from encours.orchestration import accesses
from encours.orchestration.airflow_home import known_fernet_key
from encours.orchestration.tokens import GivenTokens
from encours.settings import Settings
from encours.sources.source import ApiSource, ApiStream, Deletes


def source(key: str) -> ApiSource:
    def never(*_: Any) -> Any:
        raise AssertionError("nothing is opened here")

    return ApiSource(
        key=key,
        title=key,
        standing="verified",
        streams=(ApiStream("customers", Deletes.ABSENCE),),
        open_client=never,
        read_records=never,
        overlap=timedelta(minutes=10),
        connection=(),
    )


@pytest.fixture(autouse=True)
def two_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {key: source(key) for key in ("sage", "sage_accounting")}
    monkeypatch.setattr(accesses, "API_SOURCES", known)


def access(name: str, **fields: str) -> accesses.Access:
    empty: dict[str, str | None] = {"host": None, "login": None, "password": None, "extra": None}
    return accesses.make_access(name, **{**empty, **fields})


@pytest.mark.parametrize(
    ("entity_id", "name"), [(None, "encours_sage"), ("lyon", "encours_sage__lyon")]
)
def test_connection_is_named_after_source_and_entity(entity_id: str | None, name: str) -> None:
    assert accesses.connection_id("sage", entity_id) == name


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("encours_sage", "sage"),
        ("encours_sage__lyon", "sage"),
        ("encours_sage_accounting", "sage_accounting"),
        ("encours_sage_accounting__lyon", "sage_accounting"),
    ],
)
def test_source_whose_name_begins_like_another_is_told_apart(name: str, key: str) -> None:
    found = accesses.source_of(name)

    assert found is not None
    assert found.key == key


def test_connection_of_no_source_is_not_ours() -> None:
    assert accesses.source_of("encours_unheard_of") is None


@pytest.mark.parametrize(
    ("name", "extra", "entity_id"),
    [
        ("encours_sage", None, "sage"),
        ("encours_sage__lyon", None, "lyon"),
        ("encours_sage", '{"entity_id": "siège"}', "siège"),
        ("encours_sage__lyon", '{"entity_id": "siège"}', "siège"),
    ],
)
def test_books_of_unnamed_companies_do_not_flow_into_one_entity(
    name: str, extra: str | None, entity_id: str
) -> None:
    assert (
        accesses.make_access(name, host=None, login=None, password=None, extra=extra).entity_id
        == entity_id
    )


def test_fields_of_the_connection_become_the_access() -> None:
    made = access(
        "encours_sage",
        host="https://books.example/",
        login="reader",
        password="canary",
        extra='{"version": 19, "database": "books"}',
    )

    assert (made.base_url, made.login, made.secret) == ("https://books.example", "reader", "canary")
    assert made.options == {"version": "19", "database": "books"}
    assert "canary" not in repr(made)


@pytest.mark.parametrize("extra", ["[1]", "{", '"text"'])
def test_extra_that_is_no_object_is_refused(extra: str) -> None:
    with pytest.raises(BadInput, match="encours_sage is no JSON object"):
        access("encours_sage", extra=extra)


def test_connection_of_an_unknown_source_is_refused() -> None:
    with pytest.raises(BadInput, match="belongs to no source"):
        access("encours_unheard_of")


def test_variables_name_connections_as_airflow_does() -> None:
    environment = {
        "AIRFLOW_CONN_ENCOURS_SAGE__LYON": "{}",
        "AIRFLOW_CONN_OTHER": "{}",
        "ENCOURS_HOME": "/home",
    }

    assert list(accesses.given_ids(environment)) == ["encours_sage__lyon"]


def test_given_connections_are_configured_while_they_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accesses, "_stored", lambda _settings: [])
    settings: Any = None
    fields = {"source": "sage", "host": "http://127.0.0.1", "extra": {"entity_id": "lyon"}}

    with accesses.given_connections([fields]) as names:
        given = accesses.configured(settings)

    assert given == names == {"sage": ["encours_sage__lyon"]}
    assert accesses.configured(settings) == {}


def test_token_that_a_variable_gives_cannot_be_renewed() -> None:
    tokens = GivenTokens("encours_sage", "canary")

    with pytest.raises(FatalError, match="encours connect sage") as failure:
        tokens.renew(tokens.read(), lambda spent: spent)

    assert "canary" not in str(failure.value)
    assert "canary" not in repr(tokens)


def test_key_of_a_server_installation_is_that_of_its_services_for_this_home_only(
    tmp_path: Path,
) -> None:
    settings = Settings(tmp_path)
    given = {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__FERNET_KEY": "given",
    }

    assert known_fernet_key(settings, given) == "given"
    assert known_fernet_key(Settings(tmp_path / "other"), given) is None
