"""The server installation, without Docker: what docker-compose.yml says is valid and exists."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

from encours.orchestration.airflow_home import airflow_environment
from encours.settings import Settings, project_root
from encours.warehouse import connections
from encours.warehouse.connections import Warehouse, parse_url

ROOT = project_root()
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW_SERVICES = {name for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
DOCKERIGNORE = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
SCHEMA = ROOT / "tests" / "unit" / "compose-spec.json"
READMES = ("README.md", "README.fr.md")

VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Z][A-Z0-9_]*)(?P<rest>[^}]*)\}")
IN_IMAGE = "/opt/encours/"

# What a server needs beside `encours up`: services that find each other over a network, and Celery.
SERVER_ONLY = {
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__API__HOST",
    "AIRFLOW__API__PORT",
    "AIRFLOW__API__WORKERS",
    "AIRFLOW__CELERY__BROKER_URL",
    "AIRFLOW__CELERY__RESULT_BACKEND",
    "ENCOURS_READER_PASSWORD",
    "ENCOURS_UI_URL",
    "ENCOURS_PUBLISH_BY",
    "ENCOURS_TIME_ZONES",
    "ENCOURS_SCHEDULES",
    "ENCOURS_KEEP_LANDING_DAYS",
    "ENCOURS_KEEP_RUN_DAYS",
    "ENCOURS_KEEP_HISTORY_DAYS",
    "ENCOURS_KEEP_AIRFLOW_DAYS",
}
# Ours to choose on each server; everything else is said in both places.
CHOSEN_ON_THE_SERVER = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "ENCOURS_LANGUAGE": "fr",
}


def example_values() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {name: value for name, value in pairs}


def rendered(value: object, values: dict[str, str]) -> str:
    """What Compose makes of a value: `${X}`, `${X:-default}` and `${X:?message}`."""

    def replaced(found: re.Match[str]) -> str:
        given = values.get(found["name"], "")
        return given or found["rest"].removeprefix(":-")

    return VARIABLE.sub(replaced, str(value)).replace("$$", "$")


def server_environment() -> dict[str, str]:
    secrets = {name: value or "secret" for name, value in example_values().items()}
    scheduler = SERVICES["scheduler"]["environment"]
    return {name: rendered(value, secrets) for name, value in scheduler.items()}


def home_environment() -> dict[str, str]:
    """What `encours up` sets on a home that stands where the server's stands."""
    settings = Settings(home=Path("/var/lib/encours"), warehouse_url=server_warehouse())
    target = parse_url(server_warehouse())
    metadata = target.url(database=connections.metadata_database(target.database))
    return airflow_environment(settings, Warehouse(server_warehouse(), "", metadata))


def server_warehouse() -> str:
    return server_environment()["ENCOURS_WAREHOUSE"]


@pytest.fixture(autouse=True)
def _no_secret_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """airflow_environment keeps its secrets in the home; here there is none."""
    from encours.orchestration import airflow_home

    monkeypatch.setattr(airflow_home, "_secret", lambda _settings, name: name)


def commands(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Programs started by a command or a health check, with their arguments."""
    parts = words[1:] if words[0] in ("CMD", "CMD-SHELL") else words
    if words[0] == "CMD-SHELL":
        parts = parts[0].split()
    yield parts[0], parts[1:]


def service_commands() -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for service in SERVICES.values():
        for words in (service.get("command"), service.get("healthcheck", {}).get("test")):
            if words:
                found.extend(commands(words))
    return found


def copied_paths() -> list[str]:
    lines = re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE)
    return [path for line in lines for path in line.split()[:-1]]


def tracked(path: str) -> bool:
    """In the checkout; an empty folder is not, since git does not carry it."""
    place = ROOT / path
    return place.is_file() or (place.is_dir() and any(p.is_file() for p in place.rglob("*")))


# ---------------------------------------------------------------- the file itself


def test_compose_file_follows_the_compose_specification() -> None:
    schema = json.loads(SCHEMA.read_text())

    jsonschema.validate(COMPOSE, schema)


def test_a_misspelled_key_breaks_the_compose_specification() -> None:
    schema = json.loads(SCHEMA.read_text())
    broken = {**COMPOSE, "services": {"api": {"image": "x", "helthcheck": {}}}}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_schema_is_the_one_that_its_notice_describes() -> None:
    notice = SCHEMA.with_name("compose-spec.NOTICE.txt").read_text()

    assert hashlib.sha256(SCHEMA.read_bytes()).hexdigest() in notice


def test_the_services_are_those_of_the_architecture() -> None:
    from encours.orchestration.services import SERVICES as AIRFLOW

    assert {*AIRFLOW, "init", "worker"} == AIRFLOW_SERVICES
    assert {"postgres", "metabase", "redis"} == SERVICES.keys() - AIRFLOW_SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_an_image_with_a_version(name: str) -> None:
    image, _, version = SERVICES[name]["image"].partition(":")

    assert image
    assert re.match(r"v?\d", version)


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"init"}))
def test_every_lasting_service_says_whether_it_is_healthy_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "ports" in service])
def test_ports_open_on_this_machine_only_unless_told_otherwise(name: str) -> None:
    ports = [rendered(port, {}) for port in SERVICES[name]["ports"]]

    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


@pytest.mark.parametrize("name", sorted(AIRFLOW_SERVICES - {"init"}))
def test_airflow_starts_after_its_databases_are_made(name: str) -> None:
    waits = SERVICES[name]["depends_on"]

    assert waits["init"] == {"condition": "service_completed_successfully"}


def test_every_volume_is_declared_and_used() -> None:
    used = {
        mount.split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if isinstance(mount, str) and not mount.startswith(".")
    }

    assert used == COMPOSE["volumes"].keys()


def test_the_server_without_celery_starts_no_broker() -> None:
    with_profile = {name for name, service in SERVICES.items() if service.get("profiles")}

    assert with_profile == {"redis", "worker"}


# ---------------------------------------------------------------- variables and secrets


def test_every_variable_is_explained_in_the_example() -> None:
    used = {found["name"] for found in VARIABLE.finditer(COMPOSE_TEXT)}

    assert used == example_values().keys()


def test_a_missing_secret_is_named_before_anything_starts() -> None:
    secrets = {name for name, value in example_values().items() if not value}
    demanded = {
        found["name"] for found in VARIABLE.finditer(COMPOSE_TEXT) if found["rest"].startswith(":?")
    }

    assert demanded == secrets


def test_a_choice_has_the_default_of_the_example() -> None:
    defaults = {
        found["name"]: found["rest"].removeprefix(":-")
        for found in VARIABLE.finditer(COMPOSE_TEXT)
        if found["rest"].startswith(":-")
    }

    assert defaults == {name: value for name, value in example_values().items() if value}


def test_no_secret_is_written_in_the_compose_file() -> None:
    suspicious = [
        f"{name}: {key}"
        for name, service in SERVICES.items()
        for key, value in service.get("environment", {}).items()
        if re.search(r"PASS(?!WORDS_FILE)|SECRET|FERNET|_KEY", key) and "${" not in str(value)
    ]

    assert suspicious == []


def test_every_variable_of_encours_is_read_by_its_code() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "include").rglob("*.py"))
    ours = {
        name
        for service in SERVICES.values()
        for name in service.get("environment", {})
        if name.startswith("ENCOURS_")
    }

    assert ours
    assert [name for name in ours if f'"{name}"' not in code] == []


def test_new_env_fills_in_every_secret() -> None:
    done = subprocess.run(
        ["sh", str(ROOT / "docker" / "new_env.sh")], capture_output=True, text=True, check=True
    )

    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    made = dict(line.split("=", 1) for line in lines)
    assert made.keys() == example_values().keys()
    assert all(made.values())
    assert {name: made[name] for name, value in example_values().items() if value} == {
        name: value for name, value in example_values().items() if value
    }


def test_new_env_makes_secrets_that_fit_a_url_and_a_fernet_key() -> None:
    done = subprocess.run(
        ["sh", str(ROOT / "docker" / "new_env.sh")], capture_output=True, text=True, check=True
    )

    made = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line[1:])
    secrets = [made[name] for name, value in example_values().items() if not value]
    assert len(set(secrets)) == len(secrets)
    assert len(base64.urlsafe_b64decode(made["AIRFLOW_FERNET_KEY"])) == 32
    assert re.fullmatch(r"[0-9a-f]{64}", made["PIPELINE_PASSWORD"])


# ---------------------------------------------------------------- one Encours, two installations


def test_the_server_sets_every_variable_that_a_home_sets() -> None:
    server, home = server_environment(), home_environment()

    assert server.keys() - SERVER_ONLY == home.keys()


def test_the_server_and_a_home_give_the_variables_the_same_values() -> None:
    server, home = server_environment(), home_environment()
    # Secrets differ by nature.
    names = home.keys() - {
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
    }
    expected = {name: home[name].replace(f"{ROOT}/", IN_IMAGE) for name in names}

    assert {name: server[name] for name in names} == {**expected, **CHOSEN_ON_THE_SERVER}


def test_the_password_of_the_reader_reaches_the_code_that_makes_it() -> None:
    assert connections.READER_VARIABLE in SERVICES["init"]["environment"]


def test_the_databases_made_on_the_server_are_those_of_the_urls() -> None:
    script = (ROOT / "docker" / "postgres" / "create_databases.sh").read_text()
    target = parse_url(server_warehouse())

    assert f"create role {target.user} login" in script
    assert f"create database {target.database} owner {target.user};" in script
    assert f"create database {SERVICES['metabase']['environment']['MB_DB_DBNAME']} " in script


# ---------------------------------------------------------------- paths


def test_every_bind_mount_exists_in_the_repository() -> None:
    sources = set()
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount["source"] if isinstance(mount, dict) else mount.split(":")[0]
            if rendered(source, {}).startswith("."):
                sources.add(rendered(source, {}))

    assert sources == {"./docker/inbox", "./docker/postgres"}
    assert [source for source in sources if not tracked(source)] == []


def test_every_path_copied_into_the_image_exists_in_the_repository() -> None:
    assert copied_paths()
    assert [path for path in copied_paths() if not tracked(path)] == []


def test_every_path_copied_into_the_image_reaches_the_build() -> None:
    let_through = {line.removeprefix("!") for line in DOCKERIGNORE if line.startswith("!")}

    assert [path for path in copied_paths() if path not in let_through] == []


def test_every_folder_that_the_code_looks_for_is_in_the_image() -> None:
    wanted = {"include", "dags", "plugins", "dbt_project", "expectations"}

    assert wanted <= set(copied_paths())


def test_every_script_that_a_service_runs_is_in_the_image() -> None:
    scripts = {
        argument.removeprefix(IN_IMAGE)
        for program, arguments in service_commands()
        for argument in arguments[:1]
        if program == "python"
    }

    assert scripts == {"docker/prepare.py", "docker/healthcheck.py"}
    assert scripts <= set(copied_paths())


def test_volumes_lie_where_encours_keeps_its_state() -> None:
    settings = Settings(home=Path(server_environment()["ENCOURS_HOME"]))
    targets = {
        mount["target"] if isinstance(mount, dict) else mount.split(":")[1]
        for mount in SERVICES["scheduler"]["volumes"]
    }

    assert targets == {
        str(settings.home),
        str(settings.landing_dir),
        str(settings.inbox_dir),
        str(settings.airflow_home / "logs"),
    }
    # A new volume takes its owner from the image.
    assert [path for path in targets if f" {path}" not in DOCKERFILE] == []


# ---------------------------------------------------------------- image and versions


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["encours"]


def test_versions_come_from_the_locked_requirements_alone() -> None:
    locked = locked_versions("requirements/requirements.txt")
    celery = locked_versions("docker/celery.txt")

    assert "apache-airflow-core" in locked
    assert locked.keys() & celery.keys() == set()
    assert "==" not in DOCKERFILE
    assert not re.search(r"apache[-/]airflow", DOCKERFILE + COMPOSE_TEXT)


def test_the_image_installs_from_hashes_only() -> None:
    installs = re.findall(r"pip install([^\n]*)", DOCKERFILE)

    assert len(installs) == 1
    assert "--require-hashes --no-deps" in installs[0]


def test_the_image_bears_the_version_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', project, re.MULTILINE)

    assert version
    images = {SERVICES[name]["image"] for name in AIRFLOW_SERVICES}
    assert images == {f"encours:{version[1]}"}


def locked_versions(path: str) -> dict[str, str]:
    text = (ROOT / path).read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==([^\s;\\]+)", text, re.MULTILINE))


# ---------------------------------------------------------------- commands and scripts


def encours_commands() -> set[str]:
    import typer

    from encours.cli import app

    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", READMES)
def test_every_encours_command_in_the_readme_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = "\n".join(re.findall(r"```(?:sh|text)\n(.*?)```", text, re.DOTALL))
    used = set(re.findall(r"(?:\.venv/bin/|exec \S+ )encours ([a-z-]+)", blocks))

    assert used
    assert used - encours_commands() == set()


@pytest.mark.parametrize("name", READMES)
def test_every_make_target_in_the_readme_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z]+)`", (ROOT / name).read_text()))

    assert used
    assert used - targets == set()


@pytest.mark.parametrize("name", READMES)
def test_every_profile_in_the_readme_exists(name: str) -> None:
    profiles = {p for service in SERVICES.values() for p in service.get("profiles", [])}
    used = set(re.findall(r"--profile (\w+)", (ROOT / name).read_text()))

    assert used == profiles


@pytest.mark.parametrize("name", READMES)
def test_every_file_linked_from_the_readme_exists(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text())

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.slow
@pytest.mark.slow
def test_every_airflow_command_of_a_service_exists() -> None:
    used = [" ".join(words) for program, words in service_commands() if program == "airflow"]
    script = (
        "import json, sys\n"
        "from airflow.cli import cli_config\n"
        "print(json.dumps([command.name for command in cli_config.core_commands]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )

    known = set(json.loads(done.stdout.splitlines()[-1]))
    # The provider brings this one, and its lock is checked in the image only.
    assert "apache-airflow-providers-celery" in locked_versions("docker/celery.txt")
    assert set(used) - {"celery worker"} <= known
    assert "scheduler" in used


@pytest.fixture(name="health_api")
def _health_api() -> Iterator[str]:
    """Answers as Airflow does; the triggerer's heart has stopped."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state = {
                "metadatabase": {"status": "healthy"},
                "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "2026-01-01"},
                "triggerer": {"status": "unhealthy", "latest_triggerer_heartbeat": None},
                "dag_processor": None,
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(state).encode())

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docker" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        ("metadatabase", True),
        ("scheduler", True),
        ("triggerer", False),
        ("dag_processor", False),
        ("nobody", False),
    ],
)
def test_health_is_what_airflow_says_of_the_component(
    health_api: str, component: str, expected: bool
) -> None:
    assert script("healthcheck").is_healthy(component, health_api) is expected


def test_nobody_is_healthy_while_the_api_server_is_silent() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as unused:
        url = f"http://127.0.0.1:{unused.server_port}/"

    assert script("healthcheck").is_healthy("scheduler", url) is False


def test_every_component_asked_for_is_one_that_airflow_reports() -> None:
    reported = {"metadatabase", "scheduler", "triggerer", "dag_processor"}
    asked = {
        arguments[1]
        for program, arguments in service_commands()
        if program == "python" and arguments[0].endswith("healthcheck.py")
    }

    assert asked == reported


def test_the_server_is_prepared_by_the_code_of_a_home() -> None:
    prepare = script("prepare")

    assert prepare.open_warehouse is connections.open_warehouse
    assert callable(prepare.prepare_airflow)


def test_a_server_that_cannot_be_prepared_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENCOURS_HOME", str(tmp_path))
    monkeypatch.setenv("ENCOURS_WAREHOUSE", "mysql://somewhere")

    status = script("prepare").main()

    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1
