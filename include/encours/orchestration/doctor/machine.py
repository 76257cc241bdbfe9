"""Faults of the machine and of what is installed on it."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement
from packaging.version import Version

from encours.orchestration.doctor.findings import (
    Check,
    Finding,
    Installation,
    fail,
    not_applicable,
    ok,
    some,
    warn,
)
from encours.warehouse.embedded import SHARED_MEMORY_BYTES

OLDEST_PYTHON, FIRST_PYTHON_TOO_NEW = (3, 11), (3, 14)
# Its parser is downloaded when it is installed, and its log is another one.
FIRST_DBT_TOO_NEW = Version("1.12")
# A build writes its candidate beside what is published: several times the size of the books.
DISK_BYTES_LOW, DISK_BYTES_NEEDED = 5_000_000_000, 1_000_000_000
INODES_NEEDED = 20_000
# Airflow's services take 1.2 GB, a build of small books half a gigabyte more.
MEMORY_BYTES_NEEDED = 1_000_000_000
# The API server alone holds some hundreds.
OPEN_FILES_NEEDED = 1024


def python_version(_: Installation) -> Finding:
    return judge_python(sys.version_info[:3])


def judge_python(found: tuple[int, ...]) -> Finding:
    text = ".".join(map(str, found))
    if OLDEST_PYTHON <= found[:2] < FIRST_PYTHON_TOO_NEW:
        return ok(f"Python {text}")
    return fail(f"Python {text} is not one of 3.11 to 3.13", "make clean setup PYTHON=python3.12")


def locked_packages(installation: Installation) -> Finding:
    lock = installation.root / "requirements" / "requirements.txt"
    if not lock.exists():
        return not_applicable("no requirements/requirements.txt beside the package")
    different = list(_differences(lock))
    if different:
        return fail(
            f"{len(different)} packages are not those locked: {some(different)}",
            "make clean setup, in an environment of its own",
        )
    return ok("every package is the one that is locked")


def _differences(lock: Path) -> Iterator[str]:
    for line in lock.read_text().splitlines():
        if not line or line[0] in " #":
            continue
        requirement = Requirement(line.rstrip("\\ "))
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} {found} (locked {requirement.specifier})"


def dbt_version(_: Installation) -> Finding:
    try:
        return judge_dbt(version("dbt-core"), version("dbt-postgres"))
    except PackageNotFoundError as missing:
        return fail(f"{missing.name} is not installed", "make clean setup")


def judge_dbt(core: str, adapter: str) -> Finding:
    if Version(core) >= FIRST_DBT_TOO_NEW:
        return fail(f"dbt-core {core} cannot be used: it must stay below 1.12", "make clean setup")
    return ok(f"dbt-core {core}, dbt-postgres {adapter}")


def checkout(installation: Installation) -> Finding:
    wanted = ("dags", "dbt_project", "expectations")
    missing = [name for name in wanted if not (installation.root / name).is_dir()]
    if missing:
        return fail(
            f"{installation.root} lacks {some(missing)}",
            "run make setup in the checkout that you use: another one was moved or deleted",
        )
    return ok(f"checkout {installation.root}")


def disk_space(installation: Installation) -> Finding:
    place = _existing(installation.settings.home)
    about = os.statvfs(place)
    return judge_disk(place, shutil.disk_usage(place).free, about.f_favail if about.f_files else -1)


def judge_disk(place: Path, free_bytes: int, free_inodes: int) -> Finding:
    """`free_inodes` is -1 where the file system does not count them."""
    says = f"{free_bytes / 1e9:.1f} GB free for {place}"
    mend = "make room, or move the home: encours stop, copy it whole, then use --home"
    if free_bytes < DISK_BYTES_NEEDED:
        return fail(says, mend)
    if 0 <= free_inodes < INODES_NEEDED:
        return fail(f"only {free_inodes} files more can be made on the disk of {place}", mend)
    if free_bytes < DISK_BYTES_LOW:
        return warn(says, mend)
    return ok(says)


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def memory(_: Installation) -> Finding:
    return judge_memory(psutil.virtual_memory().available)


def judge_memory(available_bytes: int) -> Finding:
    says = f"{available_bytes / 1e9:.1f} GB of memory available"
    if available_bytes < MEMORY_BYTES_NEEDED:
        return warn(says, "stop other programs: where memory ends, the system ends a process")
    return ok(says)


def shared_memory(installation: Installation) -> Finding:
    if installation.settings.warehouse_url:
        return not_applicable("the warehouse is another server's")
    return judge_shared_memory(Path("/dev/shm"))


def judge_shared_memory(folder: Path, needed: int = SHARED_MEMORY_BYTES) -> Finding:
    if not folder.exists():
        return not_applicable(f"there is no {folder}")
    about = os.statvfs(folder)
    size = about.f_blocks * about.f_frsize
    if size < needed:
        return warn(
            f"{folder} has {size // 1_000_000} MB: queries exchange rows through files, slower",
            "docker run --shm-size 512m, or mount a larger tmpfs there",
        )
    return ok(f"{folder} has {size // 1_000_000} MB")


def open_files(_: Installation) -> Finding:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES_NEEDED:
        return fail(
            f"a process may open {soft} files only",
            f"ulimit -n {4 * OPEN_FILES_NEEDED} before encours up, or LimitNOFILE of its service",
        )
    return ok(f"a process may open {soft} files")


CHECKS = (
    Check("python", python_version),
    Check("packages", locked_packages),
    Check("dbt", dbt_version),
    Check("checkout", checkout),
    Check("disk", disk_space),
    Check("memory", memory),
    Check("shared memory", shared_memory),
    Check("open files", open_files),
)
