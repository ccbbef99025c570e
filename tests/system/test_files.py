"""Files that users name: written whole, where they are, and never in place of anything but a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from shell import bench

from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import replace_file
from vaegan_bench.system.paths import output_file


def write(path: Path, text: str) -> None:
    with replace_file(path) as partial:
        partial.write_text(text, "utf-8")


def test_neither_a_pipe_nor_a_folder_is_replaced(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for path, what in ((pipe, "device or a pipe"), (folder, "folder")):
        for attempt in (output_file, lambda path: write(path, "new")):
            with pytest.raises(StoreError, match=f"Cannot write {path}: that is a {what}"):
                attempt(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, file = tmp_path / "rows.csv", tmp_path / "elsewhere" / "kept.csv"
    link.symlink_to(file)
    for text in ("written where no file was", "written again"):
        write(output_file(link), text)
        assert (link.is_symlink(), file.read_text("utf-8")) == (True, text)
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(StoreError, match=f"Cannot write {link}: there is no folder {file.parent}"):
        output_file(link)


def test_a_command_refuses_a_pipe_before_its_work(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.csv")
    done = bench("evaluate", "--real", "no-such", "--fake", "folders", "--out", "rows.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "Error: Cannot write rows.csv: that is a device or a pipe.\n")


def test_an_image_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    done = bench("data", "info", "mnist5k", "--size", "8", "--out", "digits.jpg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "digits.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
