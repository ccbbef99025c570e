"""What tasks send from other processes, as plain data, and what is done with it where it arrives."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from vaegan_bench.api import Message, Progress, Send
from vaegan_bench.system.errors import CacheWarning, StudyWarning

Call = Callable[..., None]
"""(hook, **its arguments): calls a life-cycle hook of all plugins, here or in the process that they are in."""
KNOWN_WARNINGS = (StudyWarning, CacheWarning, RuntimeWarning, FutureWarning, DeprecationWarning)
"""Categories that keep their name on the way; others may be of modules that are not imported where they arrive."""


class Sender:
    """Sends what happens to a task in its process."""

    def __init__(self, send: Send, name: str) -> None:
        self.send, self.name = send, name
        self.must_stop = False
        """Whether the task is to keep what it has and end."""

    def call(self, hook: str, /, **what: object) -> None:
        """Have a life-cycle hook called."""
        self.must_stop = bool(self.send({"hook": hook, "what": what}))

    def progress(self, description: str, done: int, total: int) -> None:
        """Send how far a long computation is."""
        self.send({"progress": f"{self.name}: {description}", "done": done, "total": total})

    @contextmanager
    def forward_output(self) -> Iterator[None]:
        """Meanwhile send warnings and what is printed, which would break progress bars."""

        def show(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
            known = category.__name__ if category in KNOWN_WARNINGS else UserWarning.__name__
            self.send({"warning": str(message), "category": known})

        with (
            warnings.catch_warnings(),
            redirect_stdout(_Prints(self.send, is_error=False)),
            redirect_stderr(_Prints(self.send, is_error=True)),
        ):
            warnings.showwarning = show
            yield


class Receiver:
    """Acts on what tasks sent."""

    def __init__(self, call: Call, progress: Progress) -> None:
        self.call, self.progress = call, progress
        self._warned = set[str]()

    def __call__(self, message: Message) -> None:
        """Call the hook, show the progress, print the line or warn, of what several processes met only once."""
        match message:
            case {"hook": hook, "what": what}:
                self.call(hook, **what)
            case {"progress": description, "done": done, "total": total}:
                self.progress(description, done, total)
            case {"line": line, "is_error": is_error}:
                (sys.stderr if is_error else sys.stdout).write(f"{line}\n")
            case {"warning": text, "category": category} if text not in self._warned:
                self._warned.add(text)
                categories = {each.__name__: each for each in KNOWN_WARNINGS}
                warnings.warn(text, categories.get(category, UserWarning), stacklevel=2)


class _Prints(io.TextIOBase):
    """A stream whose lines are sent."""

    def __init__(self, send: Send, *, is_error: bool) -> None:
        self.send, self.is_error = send, is_error
        self._begun = ""

    def write(self, text: str) -> int:
        """Send each line that is complete."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self.send({"line": line, "is_error": self.is_error})
        return len(text)
