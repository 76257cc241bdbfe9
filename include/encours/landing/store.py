"""The landing zone: what a source delivered, unchanged, with a manifest that makes it complete.

`<home>/landing/<source>/<stream>/run=<id>/` holds pages and `manifest.json`. The folder appears by
one rename when everything in it is on disk, so a folder without a manifest never exists and a
killed run leaves only a `.partial` folder, which the next run of the same id replaces. Files are
landed here, the answers of an API in `responses.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from encours.errors import BadInput, FatalError, disk_errors
from encours.settings import Settings

MANIFEST = "manifest.json"
COPY_BYTES = 1 << 20
_PLAIN_NAME = re.compile(r"[a-z0-9_-]{1,60}")


@dataclass(frozen=True)
class Page:
    """One landed body. `name` is the file in the landing folder, `original_name` the source's,
    `source_path` where it was taken from: what a message to a person names."""

    name: str
    original_name: str
    source_path: str
    byte_count: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What one run landed of one stream."""

    source: str
    stream: str
    run_id: str
    pages: tuple[Page, ...]
    folder: str

    @property
    def byte_count(self) -> int:
        return sum(page.byte_count for page in self.pages)

    def path_of(self, page: Page) -> Path:
        return Path(self.folder) / page.name


def land_files(
    settings: Settings, source: str, stream: str, run_id: str, files: Sequence[Path]
) -> Manifest:
    """Copy `files` byte for byte. BadInput when one cannot be read, FatalError on a full disk."""
    folder = settings.landing_dir / source / folder_name(stream) / f"run={run_id}"
    with disk_errors(folder):
        partial = begin_folder(folder)
        # Each page keeps its original name in a folder of its own: the name of a FEC carries
        # the SIREN and the closing date, that of a flat file its stream.
        pages = tuple(
            _copy(file, partial, f"page-{number:05d}/{file.name}")
            for number, file in enumerate(files, start=1)
        )
        manifest = Manifest(source, stream, run_id, pages, str(folder))
        finish_folder(folder, json.dumps(asdict(manifest), indent=2).encode())
    return manifest


def read_manifest(folder: Path) -> Manifest:
    content = json.loads((folder / MANIFEST).read_text())
    pages = tuple(Page(**page) for page in content.pop("pages"))
    return Manifest(pages=pages, **content)


def check_pages(manifest: Manifest) -> None:
    """FatalError where a landed file is no longer what was delivered."""
    for page in manifest.pages:
        path = manifest.path_of(page)
        try:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise FatalError(f"{path} cannot be read: {error.strerror}; run again") from error
        if digest != page.sha256:
            raise FatalError(f"{path} is not what was landed, its sha256 differs: run again")


def begin_folder(folder: Path) -> Path:
    """The empty `.partial` folder to fill; nothing is left of a former try."""
    partial = partial_folder(folder)
    for leftover in (partial, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir(parents=True)
    return partial


def finish_folder(folder: Path, manifest: bytes) -> None:
    """Complete what `begin_folder` began: the folder appears."""
    partial = partial_folder(folder)
    write_file(partial / MANIFEST, manifest)
    os.replace(partial, folder)


def partial_folder(folder: Path) -> Path:
    return folder.with_name(folder.name + ".partial")


def _copy(file: Path, folder: Path, name: str) -> Page:
    target = folder / name
    target.parent.mkdir()
    digest = hashlib.sha256()
    byte_count = 0
    try:
        source = open(file, "rb")  # noqa: SIM115 (closed below; only opening it is the input's fault)
    except OSError as error:
        raise BadInput(
            f"cannot be read: {error.strerror}", where=str(file), mend="check the path and rights"
        ) from error
    with source, open(target, "wb") as copy:
        while block := source.read(COPY_BYTES):
            digest.update(block)
            byte_count += len(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    return Page(name, file.name, str(file), byte_count, digest.hexdigest())


def folder_name(name: str) -> str:
    """An entity or a stream as the name of a folder: its own where every file system keeps it
    apart, else readable and made unique by a digest (some do not tell `ACME` from `acme`)."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    readable = re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:60].strip("-")
    return f"{readable}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def write_file(path: Path, content: bytes) -> None:
    """On disk when this returns."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
