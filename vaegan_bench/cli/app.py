"""The application: its commands, and how errors reach the user."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import Annotated

import typer

from vaegan_bench import __version__
from vaegan_bench.cli import (
    calibrate,
    check,
    compare,
    data,
    evaluate,
    new,
    plugins,
    report,
    reproduce,
    run,
    sample,
    show,
    status,
    table,
)
from vaegan_bench.cli import list as list_
from vaegan_bench.cli.interruption import INTERRUPTED, interruption
from vaegan_bench.cli.terminal import prepare_output, say, stop_printing
from vaegan_bench.cli.warnings import own_warnings_in_one_line

app = typer.Typer(
    name="vaegan-bench",
    help="Train VAE, GAN, VAE/GAN and their relatives on the same networks, data and budget, and compare them over "
    "seeds.",
    epilog="Start with: vaegan-bench run --models all",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=run.EPILOG)(run.run)
app.command()(status.status)
app.command("list")(list_.list_plugins)
app.command()(show.show)
app.command()(check.check)
app.command()(new.new)
app.command()(plugins.plugins)
app.add_typer(data.app, name="data")
app.command()(table.table)
app.command()(compare.compare)
app.command()(report.report)
app.command()(sample.sample)
app.command()(evaluate.evaluate)
app.command()(calibrate.calibrate)
app.command(epilog=reproduce.EPILOG)(reproduce.reproduce)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"vaegan-bench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Hold the options of all commands."""


def main() -> None:
    """Run the command line; errors are lines on stderr, and docs/cli.md says what the exit codes mean."""
    with interruption() as interrupted, own_warnings_in_one_line():
        try:
            code = _exit_code()
        except KeyboardInterrupt:
            code = INTERRUPTED
        if code == INTERRUPTED:
            atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would only add a traceback
            say("Interrupted.", error=True)
            code = interrupted.exit_code
    sys.exit(code)


def _exit_code() -> int:
    """Run the command line, print errors, and return the exit code."""
    from vaegan_bench.system.errors import BenchError, IncompleteError, one_line, reason_of

    prepare_output()
    try:
        os.getcwd()
    except FileNotFoundError:
        say("Error: The working directory was removed: change to another one.", error=True)
        return 2
    try:
        code = app(prog_name="vaegan-bench", standalone_mode=False)
    except IncompleteError as error:
        for line in error.lines:
            say(f"Error: {line}", error=True)
        return 1
    except BenchError as error:
        say(f"Error: {error}", error=True)
        return 2
    except typer.Abort as error:
        if isinstance(error.__cause__, EOFError):  # an EOFError from reading a file is no interruption
            raise error.__cause__ from None
        return INTERRUPTED
    except (KeyboardInterrupt, SystemExit):
        raise
    except OSError as error:
        stop_printing(error)
        return 2
    except Exception as error:
        _say_misuse(error)
        return 2
    except BaseException as error:  # only plugins raise others, such as pytest's for a module that it skips
        say(f"Error: {one_line(reason_of(error))}.", error=True)
        return 2
    return code if isinstance(code, int) else 0


def _say_misuse(error: Exception) -> None:
    """Print a misuse of the command line in one line; raise any other error again. Typer's class for it is private."""
    from vaegan_bench.system.errors import one_line

    if not hasattr(error, "format_message"):
        raise error
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]
        return
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "vaegan-bench"
    words = one_line(" ".join(error.format_message().split()))
    stop = "" if words.endswith((".", "?")) else "."
    say(f"Error: {words}{stop} See {command} --help.", error=True)
