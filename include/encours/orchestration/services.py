"""`encours up` and `encours stop`: Airflow's services on this home, outliving the command.

A service is known by its process id and the moment it started, kept in the home, so that a number
that the system has given to somebody else is never touched. Each service leads a session of its
own: what it forks (workers, tasks, dbt) is found by the session, also when the service is dead.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from encours.errors import BadInput, FatalError, RetryableError
from encours.orchestration.airflow_home import (
    airflow_environment,
    prepare_airflow,
    ui_passwords,
    ui_users,
    users_file,
)
from encours.orchestration.retention import read_retention
from encours.orchestration.timetable import check_schedules
from encours.settings import Settings
from encours.warehouse import embedded
from encours.warehouse.connections import open_warehouse
from encours.warehouse.ownership import claim_warehouse

# Logs are read from the home's files: nobody needs the log servers, which listen on every
# interface and on a fixed port, where two homes would meet.
SERVICES = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
# The API server goes last: what is interrupted reports its end to it. Alone it has nothing left to
# do, but takes 8 s to notice.
STOP_ORDER = ((("scheduler", "dag-processor", "triggerer"), 20.0), (("api-server",), 2.0))
# Importing Airflow four times takes minutes on a slow or busy machine.
START_SECONDS = 300.0
KILL_SECONDS = 20.0
POLL_SECONDS = 0.2
LOG_BYTES_KEPT = 20_000_000


@dataclass(frozen=True)
class Service:
    name: str
    pid: int
    started: str


@dataclass(frozen=True)
class Running:
    """Where the services answer, and to whom: the first of the users, and those beside."""

    url: str
    user: str
    password: str
    inbox: Path
    others: Mapping[str, str]
    passwords: Path


def start(settings: Settings, port: int, progress: Callable[[str], None]) -> Running:
    """Start what is not running yet and wait until all of it is at work."""
    check_schedules(os.environ)
    read_retention()
    users = ui_users(os.environ)
    progress("starting PostgreSQL")
    warehouse = open_warehouse(settings)
    claim_warehouse(settings)
    with _services_lock(settings):
        services = {service.name: service for service in _recorded(settings) if _is_alive(service)}
        port = _read_port(settings) if services else _choose_port(settings, port)
        passwords = ui_passwords(settings, users)
        progress("preparing Airflow's metadata database")
        prepare_airflow(settings, warehouse)
        first, *others = users
        running = Running(
            f"http://127.0.0.1:{port}",
            first,
            passwords[first],
            settings.inbox_dir,
            {name: users[name] for name in others},
            users_file(settings),
        )
        environment = {**os.environ, **airflow_environment(settings, warehouse, port)}
        launched: list[Service] = []

        def launch(name: str) -> None:
            progress(f"starting Airflow's {name}")
            _kill(settings, [dead for dead in _recorded(settings) if dead.name == name])
            services[name] = _launch(settings, name, environment)
            launched.append(services[name])
            _record(settings, services.values(), port)

        def replace_dead() -> None:
            for service in [each for each in services.values() if not _is_alive(each)]:
                if service in launched:
                    raise FatalError(_why_stopped(settings, running, service))
                # It lived when we came, and died of what it had met before: of a database that was
                # away, a service of Airflow takes some seconds to die.
                launch(service.name)

        try:
            for names, is_ready in START_ORDER:
                for name in [name for name in names if name not in services]:
                    launch(name)
                _wait(settings, running, replace_dead, is_ready)
        except FatalError:
            # Half a scheduler would only look as if it worked.
            _stop_services(settings, launched)
            raise
    return running


def running_url(settings: Settings) -> str | None:
    """Where the UI of this home answers; None when it does not run."""
    if any(service.name == "api-server" and _is_alive(service) for service in _recorded(settings)):
        return f"http://127.0.0.1:{_read_port(settings)}"
    return None


def stop(settings: Settings) -> list[str]:
    """Stop services and the embedded server of this home. Returns what was stopped."""
    stopped = []
    if _file(settings).exists():
        with _services_lock(settings):
            services = _recorded(settings)
            stopped = [service.name for service in services if _is_alive(service)]
            _stop_services(settings, services)
            _file(settings).unlink(missing_ok=True)
    if settings.warehouse_url is None and embedded.stop(settings):
        stopped.append("postgresql")
    return stopped


def alive_services(settings: Settings) -> dict[str, bool] | None:
    """Which of the services that were started live; None where none was, or all were stopped."""
    recorded = _recorded(settings)
    return {service.name: _is_alive(service) for service in recorded} if recorded else None


# --- starting ----------------------------------------------------------------------------------


def _launch(settings: Settings, name: str, environment: dict[str, str]) -> Service:
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    path = _log_path(settings, name)
    if path.exists() and path.stat().st_size > LOG_BYTES_KEPT:
        os.replace(path, path.with_suffix(".log.1"))
    with open(path, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *SERVICES[name]],
            env=environment,
            # `-m` puts the working folder first on the import path: not the caller's.
            cwd=settings.airflow_home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = _started(process.pid)
    if started is None:
        raise FatalError(f"Airflow {name} ended at once: see {path}")
    return Service(name, process.pid, started)


def _answers(url: str) -> bool:
    """Whether tasks can report to the API server; the first time, it compiles its routes."""
    import requests

    return requests.get(f"{url}/execution/health", timeout=START_SECONDS).ok


def _all_healthy(url: str) -> bool:
    import requests

    answer = requests.get(f"{url}/api/v2/monitor/health", timeout=START_SECONDS).json()
    parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    return all(answer[part]["status"] == "healthy" for part in parts)


# The scheduler comes when tasks can report: one that waits from the last time would fail at once.
START_ORDER: tuple[tuple[tuple[str, ...], Callable[[str], bool]], ...] = (
    (("api-server", "dag-processor", "triggerer"), _answers),
    (("scheduler",), _all_healthy),
)


def _wait(
    settings: Settings,
    running: Running,
    replace_dead: Callable[[], None],
    is_ready: Callable[[str], bool],
) -> None:
    import requests

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        replace_dead()
        with contextlib.suppress(requests.RequestException, ValueError, KeyError, TypeError):
            # Until it listens and knows all of them, the deadline decides.
            if is_ready(running.url):
                return
        time.sleep(POLL_SECONDS)
    raise FatalError(
        f"Airflow did not get ready within {START_SECONDS:.0f} s: see {settings.logs_dir}"
    )


def _why_stopped(settings: Settings, running: Running, service: Service) -> str:
    path = _log_path(settings, service.name)
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 5000))
        end = log.read().decode("utf-8", "replace")
    if "address already in use" in end:
        return f"{running.url}: another program has this port: choose one with --port"
    return f"Airflow {service.name} stopped: see {path}"


def _choose_port(settings: Settings, asked: int) -> int:
    """The port asked for; else the last one, so that bookmarks hold; else one of this home's."""
    if asked:
        if not embedded.is_free(asked):
            raise BadInput(f"port {asked} is taken", mend="choose another with --port")
        port: int | None = asked
    else:
        last = embedded.read_secret(settings, "airflow.port")
        ports = embedded.candidate_ports(settings.airflow_home, int(last) if last else None)
        port = next((port for port in ports if embedded.is_free(port)), None)
    if port is None:
        raise RetryableError("no free port for Airflow's UI")
    embedded.keep_secret(settings, "airflow.port", str(port))
    return port


# --- stopping ----------------------------------------------------------------------------------


def _stop_services(settings: Settings, services: Iterable[Service]) -> None:
    """Ask, wait, then end by force whatever is left of them."""
    services = list(services)
    for names, seconds in STOP_ORDER:
        asked = [service for service in services if service.name in names]
        _signal(settings, asked, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while _members(settings, asked) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    _kill(settings, services)


def _kill(settings: Settings, services: list[Service]) -> None:
    """Nobody can refuse, but one that forks at this moment may leave a child: hence the repeat."""
    deadline = time.monotonic() + KILL_SECONDS
    while _members(settings, services) and time.monotonic() < deadline:
        _signal(settings, services, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _signal(settings: Settings, services: list[Service], number: int) -> None:
    for pid in _members(settings, services):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _members(settings: Settings, services: list[Service]) -> list[int]:
    """The living processes of these services' sessions."""
    import psutil

    leaders = {service.pid: service for service in services}
    found = []
    for pid in psutil.pids():
        try:
            service = leaders.get(os.getsid(pid))
        except OSError:
            continue
        if service and _started(pid) is not None and _is_ours(settings, service, pid):
            found.append(pid)
    return found


def _is_ours(settings: Settings, service: Service, pid: int) -> bool:
    """Whether this session is the service's, not that of a later process of the same number."""
    import psutil

    leader = _started(service.pid)
    if leader is not None:
        return leader == service.started
    # The leader is dead. Its number is not given away while the session lives; that it was given
    # away before is excluded by the working folder, which nothing else has.
    try:
        return Path(psutil.Process(pid).cwd()) == settings.airflow_home
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True  # A task of ours hides itself from processes of the same user.


# --- records -----------------------------------------------------------------------------------


@contextlib.contextmanager
def _services_lock(settings: Settings) -> Iterator[None]:
    """One `up` or `stop` at a time; the kernel frees the lock when its holder dies."""
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + START_SECONDS + KILL_SECONDS
    with open(settings.airflow_home / "services.lock", "ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise RetryableError(
                        f"{settings.home}: another command is starting or stopping Airflow"
                    ) from error
                time.sleep(POLL_SECONDS)
        yield


def _file(settings: Settings) -> Path:
    return settings.airflow_home / "services.json"


def _log_path(settings: Settings, name: str) -> Path:
    return settings.logs_dir / f"{name}.log"


def _record(settings: Settings, services: Iterable[Service], port: int) -> None:
    content = {"port": port, "services": [asdict(service) for service in services]}
    draft = _file(settings).with_suffix(".new")
    draft.write_text(json.dumps(content, indent=2))
    os.replace(draft, _file(settings))


def _read_port(settings: Settings) -> int:
    return int(json.loads(_file(settings).read_text())["port"])


def _recorded(settings: Settings) -> list[Service]:
    path = _file(settings)
    if not path.exists():
        return []
    return [Service(**entry) for entry in json.loads(path.read_text())["services"]]


def _is_alive(service: Service) -> bool:
    return _started(service.pid) == service.started


def _started(pid: int) -> str | None:
    """When the process started, None when there is none (or only its remains).

    Linux counts from the boot, so that setting the clock changes nothing.
    """
    import psutil

    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
        except OSError:
            return None
        state, ticks = fields.split()[0], fields.split()[19]
        return None if state in "ZX" else f"{boot.read_text().strip()} {ticks}"
    try:
        process = psutil.Process(pid)
        is_dead = process.status() == psutil.STATUS_ZOMBIE
        return None if is_dead else str(process.create_time())
    except psutil.NoSuchProcess:
        return None
