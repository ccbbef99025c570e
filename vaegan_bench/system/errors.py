"""What can go wrong for a user, as one tree of exceptions with one-line messages."""

from __future__ import annotations

import difflib
import sysconfig
import traceback
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

MANY = 20
"""The most known names that are listed in addition to a guess."""
FAILURES = (Exception, SystemExit)
"""Exceptions of third-party code, reported as its failure; they never end the program. Ctrl-C is not among them."""
PACKAGE = Path(__file__).parent.parent
LIBRARIES = ("torch", "torchvision", "torch_fidelity", "numpy", "PIL", "pandas", "pluggy", "typer")


def one_line(text: str) -> str:
    """A text in one line, with all characters escaped that are invisible or would move a cursor."""
    shown = text.replace("\n", " ")
    return "".join(c.encode("unicode_escape").decode("ascii") if _is_unseen(c) else c for c in shown)


def _is_unseen(character: str) -> bool:
    """Whether a character is for control, formatting, line breaks or private use, unassigned, or half of a pair."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


class BenchError(Exception):
    """An error that the user can correct: what is wrong, where, and what to do, in one line."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class UnknownNameError(BenchError):
    """An unknown name, with the package that has it, or the closest known name and a list of the known ones."""

    def __init__(self, what: str, name: str, known: Iterable[str], package: str = "", note: str = "") -> None:
        rest = _installation(package) if package else _guess(str(name), sorted(known))
        super().__init__(f"Unknown {what} '{name}'{rest}{note}")


def _installation(package: str) -> str:
    return f": its package is not installed. In a clone of vaegan-bench: `pip install ./plugins/{package}`."


def _guess(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f" Did you mean '{close[0]}'?" if close else ""
    # A long list would hide a good guess.
    return f".{guess}" if close and len(known) > MANY else f".{guess} Known: {', '.join(known) or 'none'}."


class SelectorError(BenchError):
    """A selector that cannot be read, or a value that does not fit its field."""


class PluginError(BenchError):
    """A plugin that breaks the contract, or two that claim one name."""


class StudyError(BenchError):
    """A study that cannot be planned: an unknown key, a wrong value, an impossible combination."""


class DataError(BenchError):
    """Data that are missing, damaged, or not what they claim to be."""


class StoreError(BenchError):
    """A results folder that cannot be read or written."""


class ClaimLostError(StoreError):
    """Another process took over what this one was working on: its work is not written."""


class RefusedError(BenchError):
    """This process cannot do the tasks of a study, because its code, versions or device differ: others may."""


class DeviceLostError(BenchError):
    """A GPU that fails whatever this process asks of it: only another process can go on."""


class ExtractorError(BenchError):
    """A feature network whose weights are missing or wrong."""


class IncompleteError(BenchError):
    """A part of what was asked for is missing at the end; all other parts are done and kept."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Each line says what is missing, and why."""
        self.lines = list(lines)
        super().__init__("; ".join(self.lines))


class StudyWarning(UserWarning):
    """Something that users should know about a study, which goes on."""


class CacheWarning(UserWarning):
    """A result could not be written to the cache, but it was computed."""


@contextmanager
def failing_as(kind: type[BenchError], what: str) -> Iterator[None]:
    """Raise an unexpected error of third-party code as one of this kind, '{what}: {reason}.'; ours pass as they are."""
    try:
        yield
    except BenchError:
        raise
    except FAILURES as error:
        raise kind(f"{what}: {reason_of(error)}.") from error


def reason_of(error: BaseException) -> str:
    """An error in one line; if it is not a `BenchError`, with the last place in third-party code: '(my_loss.py:19)'."""
    if isinstance(error, BenchError):
        return str(error)
    words = _message_of(error).partition("\n")[0]
    named = type(error).__name__ + (f": {words}" if words else "")
    if isinstance(error, SystemExit):
        named = f"sys.exit({words}) was called"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_third_party(Path(frame.filename))]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return named + place


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except FAILURES as second:  # a third-party error may have no message
        return f"its message cannot be read, because of {type(second).__name__}"


def _is_third_party(file: Path) -> bool:
    """Whether a file is neither of this package, nor of Python, nor of a library that plugins call."""
    if not file.is_file() or file.is_relative_to(PACKAGE):
        return False
    packages = [Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")]
    if inside := [file.relative_to(folder) for folder in packages if file.is_relative_to(folder)]:
        return inside[0].parts[0] not in LIBRARIES
    return not file.is_relative_to(sysconfig.get_path("stdlib"))
