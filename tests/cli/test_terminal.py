"""Whatever the terminal: no number is lost or cut, and exit codes stay right."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from unittest import mock

import pytest
from small_studies import tables_alone

import vaegan_bench
from vaegan_bench.cli import main
from vaegan_bench.cli.terminal import substitute
from vaegan_bench.system.errors import one_line

COMMAND = [sys.executable, "-c", "from vaegan_bench.cli import main; main()"]


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], str]:
    """Commands, two of them on a study of two models and two seeds, and what each prints into a pipe."""
    results, cache = (tmp_path_factory.mktemp(name) for name in ("results", "cache"))
    study = {"models": ["vae", "vaegan[gamma=1e-06]"], "seeds": 2, "metrics": ["reconstruction"], "steps": 2}
    small = {"samples": 8, "batch": 4, "size": 16, "networks": "compact[latent=4,width=4,decoder_width=4]"}
    with tables_alone():
        folder = str(vaegan_bench.run("smoke", results=results, cache=cache, **study, **small).folder.path)
    compare = ("compare", "vae", "vaegan[gamma=1e-06]", "--study", folder)
    chosen = [("table", folder), compare, ("list", "losses"), ("show", "vaegan[gamma=1e-06]")]
    return {command: printed(*command)[1] for command in chosen}


def printed(*arguments: str | Path, encoding: str = "utf-8", columns: int | None = None) -> tuple[int, str, str]:
    """A command's exit code and what it prints into a pipe of an encoding, where COLUMNS may be set."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    environment = {"NO_COLOR": "1", **({"COLUMNS": str(columns)} if columns else {})}
    with (
        mock.patch.object(sys, "argv", ["vaegan-bench", *map(str, arguments)]),
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        if columns is None:
            os.environ.pop("COLUMNS", None)
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        streams = [out, err]
        for stream in streams:
            stream.flush()
    return code, *(stream.buffer.getvalue().decode(encoding) for stream in streams)  # type: ignore[attr-defined]


def digits(text: str) -> Counter[str]:
    return Counter(filter(str.isdigit, re.sub(r"\^\d|1/2|[½²³]", "", text)))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_no_encoding_loses_a_number(encoding: str, commands: dict[tuple[str, ...], str]) -> None:
    for command, wide in commands.items():
        code, text, _ = printed(*command, encoding=encoding)
        assert code == 0
        assert digits(text) == digits(wide)


@pytest.mark.parametrize("columns", [12, 40])
def test_no_width_cuts_a_cell(columns: int, commands: dict[tuple[str, ...], str]) -> None:
    for command, wide in commands.items():
        code, narrow, _ = printed(*command, columns=columns)
        assert code == 0
        assert narrow.count("…") == wide.count("…")
        missing = digits(wide) - digits(narrow)  # the names of metrics stand in every part of a divided table
        assert not missing, (command, missing)


def test_a_pipe_takes_lines_as_long_as_they_are(commands: dict[tuple[str, ...], str]) -> None:
    (line,) = [line for line in commands["list", "losses"].splitlines() if line.startswith("│ gaussian ")]
    assert "sigma=1.0" in line
    assert "Kingma & Welling, 2014" in line


@pytest.mark.parametrize(
    ("sign", "plain"),
    [("±", "+/-"), ("×", "x"), ("σ", "sigma"), ("Σ", "Sigma"), ("↑", "^"), ("→", "->"), ("−", "-"), ("²", "^2"),
     ("½", "1/2"), ("é", "e"), ("₁", "1"), ("≤", "<="), ("日", "?"), ("\udcff", "?")],
)  # fmt: skip
def test_signs_have_plain_substitutes(sign: str, plain: str) -> None:
    assert substitute(sign) == plain


def test_an_error_reaches_an_ascii_terminal_with_exit_code_2() -> None:
    line = [sys.executable, "-c", "from vaegan_bench.cli import main; main()", "show", "vaé±σ"]
    done = subprocess.run(line, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"Error: Unknown plugin 'vae+/-sigma'.")
    assert done.stderr.count(b"\n") == 1


def test_what_cannot_be_seen_is_shown_in_errors() -> None:
    assert one_line("a\nb\x1b[31m\0\u202ec\udcff é±") == r"a b\x1b[31m\x00\u202ec\udcff é±"
    code, _, err = printed("show", "kl\x1b[31m")
    assert code == 2
    assert "\x1b" not in err
    assert printed("run", "--nosuch\x1b[31m")[2].count("\x1b") == 0


@pytest.mark.parametrize("arguments", [("list", "losses"), ("run", "--help"), ("--version",)])
def test_a_full_disk_under_the_output_is_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
        assert (done.returncode, done.stderr) == (2, "Error: Cannot print: No space left on device.\n")
        assert subprocess.run([*COMMAND, *arguments], stdout=full, stderr=full, timeout=120).returncode == 2


def test_a_working_directory_that_was_removed_is_one_line(tmp_path: Path) -> None:
    script = f"mkdir gone && cd gone && rmdir ../gone && {shlex.join([*COMMAND, 'list', 'losses'])}"
    done = subprocess.run(script, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("Error: The working directory was removed: change to another one.\n")
    assert "Traceback" not in done.stderr
