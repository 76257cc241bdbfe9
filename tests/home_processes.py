"""Which living processes belong to a home: the test's own look, not that of `encours stop`."""

from __future__ import annotations

from pathlib import Path

import psutil

from encours.warehouse import embedded


def processes_of(home: Path) -> dict[int, str]:
    """Process ids and command lines of everything that works for this home, its server included."""
    return {**_programs_of(home), **server_of(home)}


def strays_of(home: Path) -> dict[int, str]:
    """The same without the embedded server, which a run leaves running."""
    server = server_of(home)
    return {pid: line for pid, line in _programs_of(home).items() if pid not in server}


def server_of(home: Path) -> dict[int, str]:
    """The postmaster and its sessions."""
    data = home / "postgres" / "data"
    if not data.exists():
        return {}
    name = embedded.cluster_name(data)
    return {
        process.pid: " ".join(line)
        for process in psutil.process_iter()
        if (line := _command_line(process)) and embedded.works_on(line, name, data)
    }


def _programs_of(home: Path) -> dict[int, str]:
    found = {}
    for process in psutil.process_iter():
        line = _command_line(process)
        if line and process.pid != psutil.Process().pid and _works_for(process, line, home):
            found[process.pid] = " ".join(line)
    return found


def _command_line(process: psutil.Process) -> tuple[str, ...]:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ()
        return tuple(process.cmdline())
    except psutil.Error:
        return ()


def _works_for(process: psutil.Process, line: tuple[str, ...], home: Path) -> bool:
    """By its arguments, its environment (a title may overwrite it) or its working folder."""
    try:
        return (
            any(part == str(home) or part.startswith(f"{home}/") for part in line)
            or process.environ().get("ENCOURS_HOME") == str(home)
            or Path(process.cwd()).is_relative_to(home)
        )
    except psutil.Error:
        return False
