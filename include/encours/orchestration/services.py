"""`encours up` and `encours stop`: Airflow's services on this home, outliving the command.

A service is known by its pid and start time, kept in the home, so that a pid that the system has
given to somebody else is never touched.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from encours.errors import FatalError
from encours.orchestration.airflow_home import (
    ADMIN,
    admin_password,
    airflow_environment,
    prepare_airflow,
)
from encours.settings import Settings
from encours.warehouse import embedded
from encours.warehouse.connections import open_warehouse

SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")
START_SECONDS = 120
STOP_SECONDS = 20


@dataclass(frozen=True)
class Service:
    name: str
    pid: int
    start_time: float


@dataclass(frozen=True)
class Running:
    """Where the services answer."""

    url: str
    user: str
    password: str
    inbox: Path


def start(settings: Settings, port: int, progress: Callable[[str], None]) -> Running:
    """Start what is not running yet and wait until the UI answers."""
    services = {service.name: service for service in _alive(settings)}
    known_port = _read_port(settings) if services else None
    port = known_port or port or _free_port()
    progress("starting PostgreSQL")
    warehouse = open_warehouse(settings)
    password = admin_password(settings)
    environment = dict(os.environ)
    progress("preparing Airflow's metadata database")
    prepare_airflow(settings, warehouse)
    environment.update(airflow_environment(settings, warehouse, port))
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    for name in SERVICES:
        if name not in services:
            progress(f"starting Airflow {name}")
            services[name] = _launch(settings, name, environment)
            _write(settings, list(services.values()), port)
    running = Running(f"http://127.0.0.1:{port}", ADMIN, password, settings.inbox_dir)
    _wait(settings, running, services)
    return running


def stop(settings: Settings) -> list[str]:
    """Stop services and the embedded server of this home. Returns what was stopped."""
    services = _alive(settings)
    for service in services:
        _signal(service, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _still(services) and time.monotonic() < deadline:
        time.sleep(0.2)
    for service in _still(services):
        _signal(service, signal.SIGKILL)
    _file(settings).unlink(missing_ok=True)
    stopped = [service.name for service in services]
    if settings.warehouse_url is None and embedded.stop(settings):
        stopped.append("postgresql")
    return stopped


def _launch(settings: Settings, name: str, environment: dict[str, str]) -> Service:
    with open(settings.logs_dir / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", name],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )
    start_time = _start_time(process.pid)
    if start_time is None:
        raise FatalError(f"Airflow {name} ended at once: see {settings.logs_dir / name}.log")
    return Service(name, process.pid, start_time)


def _wait(settings: Settings, running: Running, services: dict[str, Service]) -> None:
    import requests

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        dead = [name for name, service in services.items() if not _is_alive(service)]
        if dead:
            raise FatalError(f"Airflow {dead[0]} stopped: see {settings.logs_dir / dead[0]}.log")
        try:
            answer = requests.get(f"{running.url}/api/v2/monitor/health", timeout=5)
            if answer.ok and answer.json()["scheduler"]["status"] == "healthy":
                return
        except (requests.RequestException, ValueError, KeyError):
            pass  # Not listening yet: the deadline decides.
        time.sleep(0.5)
    raise FatalError(f"Airflow did not answer within {START_SECONDS} s: see {settings.logs_dir}")


def _file(settings: Settings) -> Path:
    return settings.airflow_home / "services.json"


def _write(settings: Settings, services: list[Service], port: int) -> None:
    content = {"port": port, "services": [asdict(service) for service in services]}
    _file(settings).write_text(json.dumps(content, indent=2))


def _read_port(settings: Settings) -> int | None:
    return int(json.loads(_file(settings).read_text())["port"])


def _alive(settings: Settings) -> list[Service]:
    path = _file(settings)
    if not path.exists():
        return []
    services = [Service(**entry) for entry in json.loads(path.read_text())["services"]]
    return [service for service in services if _is_alive(service)]


def _still(services: list[Service]) -> list[Service]:
    return [service for service in services if _is_alive(service)]


def _is_alive(service: Service) -> bool:
    return _start_time(service.pid) == service.start_time


def _start_time(pid: int) -> float | None:
    """When the process started, None when there is no such process (or only its remains)."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def _signal(service: Service, number: int) -> None:
    """To the whole group: a service has workers of its own."""
    try:
        os.killpg(service.pid, number)
    except ProcessLookupError:
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
