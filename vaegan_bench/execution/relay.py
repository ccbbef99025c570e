"""Messages of tasks in other processes, as plain data, and what the receiving process does with them."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from vaegan_bench.api import Message, Progress, Send
from vaegan_bench.api.engines import discard
from vaegan_bench.system.errors import CacheWarning, StudyWarning

Call = Callable[..., None]
"""(hook, **its arguments): calls a life-cycle hook of all plugins, in this process or in the one of the command."""
KNOWN_WARNINGS = (StudyWarning, CacheWarning, RuntimeWarning, FutureWarning, DeprecationWarning)
"""Warning categories that are sent by name; others may belong to modules that the receiver has not imported."""


class Sender:
    """Sends the events of tasks from the process that does them, one after the other."""

    def __init__(self) -> None:
        self.send: Send = discard
        self.run = ""
        """The run of the current task."""
        self._must_stop = False

    @contextmanager
    def of_task(self, send: Send, run: str) -> Iterator[None]:
        """Within the context, send the events of this task, its warnings and what it prints."""
        self.send, self.run, self._must_stop = send, run, False
        with _forwarded_output(send):
            yield

    def must_stop(self) -> bool:
        """Whether the current task must save its work and end."""
        return self._must_stop

    def call(self, hook: str, /, **what: object) -> None:
        """Have the receiver call a life-cycle hook, and note whether the task must stop."""
        self._must_stop = bool(self.send({"hook": hook, "what": what}))

    def progress(self, description: str, done: int, total: int) -> None:
        """Send the progress of a long computation."""
        self.send({"progress": f"{self.run}: {description}", "done": done, "total": total})


@contextmanager
def _forwarded_output(send: Send) -> Iterator[None]:
    """Within the context, send warnings and printed lines, which would otherwise break progress bars."""

    def show(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
        known = category.__name__ if category in KNOWN_WARNINGS else UserWarning.__name__
        send({"warning": str(message), "category": known})

    with (
        warnings.catch_warnings(),
        redirect_stdout(_Prints(send, is_error=False)),
        redirect_stderr(_Prints(send, is_error=True)),
    ):
        warnings.showwarning = show
        yield


class Receiver:
    """Acts on the messages of tasks."""

    def __init__(self, call: Call, progress: Progress) -> None:
        self.call, self.progress = call, progress
        self._warned = set[str]()

    def __call__(self, message: Message) -> None:
        """Call the hook, show the progress, print the line or warn; a warning of several processes is shown once."""
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
    """A text stream that sends its lines as messages."""

    def __init__(self, send: Send, *, is_error: bool) -> None:
        self.send, self.is_error = send, is_error
        self._begun = ""

    def write(self, text: str) -> int:
        """Send each line that is complete."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self.send({"line": line, "is_error": self.is_error})
        return len(text)
