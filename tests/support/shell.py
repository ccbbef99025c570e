"""The command line: within this process, without importing torch anew each time, or in one that can be interrupted."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from vaegan_bench.cli import main


class Ran(NamedTuple):
    """A command that has come to its end."""

    returncode: int
    stdout: str
    stderr: str


def bench(*arguments: str | Path, cwd: Path | None = None, width: int = 160) -> Ran:
    """`vaegan-bench ARGUMENTS`, as a terminal so wide would show it; with one worker unless others are given."""
    if arguments and arguments[0] in ("run", "reproduce") and {"--workers", "--engine"}.isdisjoint(arguments):
        arguments = (*arguments, "--workers", "1")
    stdout, stderr = io.StringIO(), io.StringIO()
    environment = {"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"}
    with (
        mock.patch.object(sys, "argv", ["vaegan-bench", *map(str, arguments)]),
        mock.patch.dict(os.environ, environment),
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return Ran(code, stdout.getvalue(), stderr.getvalue())


def interruptible(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """`vaegan-bench ARGUMENTS` as the first process of a group, which Ctrl-C interrupts."""
    # Jobs in the background ignore SIGINT, and hand that on to their children; a handler is not handed on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, "-c", "from vaegan_bench.cli import main; main()", *arguments]
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=cwd, env={**os.environ, "COLUMNS": "200"}, start_new_session=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
