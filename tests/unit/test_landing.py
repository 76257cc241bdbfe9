"""The landing zone: what was delivered, byte for byte, and complete or not there at all."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from encours.errors import BadInput, FatalError
from encours.landing import store
from encours.landing.store import land_files, read_manifest
from encours.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def delivered(tmp_path: Path, name: str = "ledger.txt", content: bytes = b"a\0\r\nb\xff") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_are_landed_byte_for_byte(home: Settings, tmp_path: Path) -> None:
    content = os.urandom(3 * store.COPY_BYTES + 7)
    path = delivered(tmp_path, content=content)

    manifest = land_files(home, "fec", "delivery", "run-1", [path])

    (page,) = manifest.pages
    assert manifest.path_of(page).read_bytes() == content
    assert page.byte_count == manifest.byte_count == len(content)
    assert page.sha256 == hashlib.sha256(content).hexdigest()


def test_manifest_can_be_read_back(home: Settings, tmp_path: Path) -> None:
    manifest = land_files(home, "fec", "delivery", "run-1", [delivered(tmp_path)])

    assert read_manifest(Path(manifest.folder)) == manifest
    assert Path(manifest.folder) == home.landing_dir / "fec/delivery/run=run-1"


@pytest.mark.parametrize("content", [b"a\0\r\nb\xfe", b"a", b""])
def test_landed_file_that_was_changed_is_refused(
    home: Settings, tmp_path: Path, content: bytes
) -> None:
    manifest = land_files(home, "fec", "delivery", "run-1", [delivered(tmp_path)])
    store.check_pages(manifest)

    manifest.path_of(manifest.pages[0]).write_bytes(content)

    with pytest.raises(FatalError, match="its sha256 differs"):
        store.check_pages(manifest)


def test_landed_file_that_is_gone_is_refused(home: Settings, tmp_path: Path) -> None:
    manifest = land_files(home, "fec", "delivery", "run-1", [delivered(tmp_path)])
    manifest.path_of(manifest.pages[0]).unlink()

    with pytest.raises(FatalError, match="cannot be read"):
        store.check_pages(manifest)


def test_page_remembers_the_file_it_was_taken_from(home: Settings, tmp_path: Path) -> None:
    path = delivered(tmp_path)

    (page,) = land_files(home, "fec", "delivery", "run-1", [path]).pages

    assert (page.original_name, page.source_path) == ("ledger.txt", str(path))


def test_files_of_the_same_name_stay_apart(home: Settings, tmp_path: Path) -> None:
    one = delivered(tmp_path, "one/ledger.txt", b"one")
    two = delivered(tmp_path, "two/ledger.txt", b"two")

    manifest = land_files(home, "fec", "delivery", "run-1", [one, two])

    assert [manifest.path_of(page).read_bytes() for page in manifest.pages] == [b"one", b"two"]
    assert [page.original_name for page in manifest.pages] == ["ledger.txt", "ledger.txt"]


def test_landing_again_replaces_what_a_former_try_left(home: Settings, tmp_path: Path) -> None:
    land_files(home, "fec", "delivery", "run-1", [delivered(tmp_path, content=b"old")])

    manifest = land_files(home, "fec", "delivery", "run-1", [delivered(tmp_path, content=b"new")])

    assert [manifest.path_of(page).read_bytes() for page in manifest.pages] == [b"new"]


def test_killed_landing_leaves_no_folder_and_the_next_one_clears_up(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [delivered(tmp_path, "a.txt"), delivered(tmp_path, "b.txt")]
    copy = store._copy

    def killed(file: Path, folder: Path, name: str) -> Any:
        if file.name == "b.txt":
            raise KeyboardInterrupt
        return copy(file, folder, name)

    monkeypatch.setattr(store, "_copy", killed)
    with pytest.raises(KeyboardInterrupt):
        land_files(home, "fec", "delivery", "run-1", files)
    monkeypatch.undo()
    streams = home.landing_dir / "fec/delivery"
    left = [path.name for path in streams.iterdir()]

    land_files(home, "fec", "delivery", "run-1", files)

    assert left == ["run=run-1.partial"]
    assert [path.name for path in streams.iterdir()] == ["run=run-1"]


def test_file_that_vanished_is_the_fault_of_the_input(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        land_files(home, "fec", "delivery", "run-1", [tmp_path / "gone.txt"])

    assert str(caught.value).startswith(f"{tmp_path / 'gone.txt'}: cannot be read")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_told_in_one_line(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FatalError) as caught:
        land_files(home, "fec", "delivery", "run-1", [delivered(tmp_path)])

    assert str(caught.value) == (
        f"the disk of {home.landing_dir / 'fec/delivery/run=run-1'} is full:"
        " free some space and run again"
    )
    assert not (home.landing_dir / "fec/delivery/run=run-1").exists()


def test_folder_that_cannot_be_written_is_told_in_one_line(home: Settings, tmp_path: Path) -> None:
    home.home.mkdir()
    home.landing_dir.write_text("a file where a folder should be")

    with pytest.raises(FatalError, match=r"cannot write to .*Not a directory"):
        land_files(home, "fec", "delivery", "run-1", [delivered(tmp_path)])
