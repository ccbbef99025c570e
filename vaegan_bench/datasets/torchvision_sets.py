"""Published data sets that torchvision reads: where their files come from, and how they are loaded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from vaegan_bench.api import Data, DataError, Dataset, Progress, silent
from vaegan_bench.datasets.labelled import Images, prepare_labelled
from vaegan_bench.datasets.preparation.sources import stamp_of
from vaegan_bench.datasets.published_files import PublishedFile, by_hand, fetch_files
from vaegan_bench.system.claims import claimed
from vaegan_bench.system.code import code_behind


class Source(NamedTuple):
    """The files that torchvision reads, and their origin."""

    classes: tuple[str, ...]
    """Each is an attribute, too; none where images have no labels."""
    files: tuple[str, ...]
    """The files that are read, as paths below the data set's folder."""
    published: tuple[PublishedFile, ...]
    """The files to download."""
    unpack: Callable[[Path], object]
    """Makes `files` from the downloads in a folder."""
    read: Callable[[Path], tuple[Images, Images]]
    """Training and test part from the files in a folder."""


class TorchvisionDataset(Dataset):
    """A published data set: fetched by `data prepare`, read by torchvision, resized and cached."""

    @abstractmethod
    def source(self) -> Source:
        """The files that are read, and the downloads from which they are made."""

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """The images in the data set's folder, at a size; nothing is ever downloaded.

        Raises `DataError` where files are missing or damaged.
        """
        source, folder = self.source(), self.source_folder
        if missing := _missing(source, folder):
            raise DataError(
                f"{self} is not in {folder} ({missing[0]} is missing): run `vaegan-bench data prepare "
                f"{_quote(self)}`, which fetches it; without a network first put {by_hand(source.published, folder)}."
            )
        origin = {
            "files": [[file, stamp_of(folder / file)] for file in source.files],
            "reader": code_behind(source.read).digest,
            "torchvision": version("torchvision"),
        }
        return prepare_labelled(
            self, source.classes, origin, lambda: _read(self, source, folder), size, cache, progress
        )

    def fetch(self, progress: Progress = silent) -> None:
        """Download and unpack what is missing in the data set's folder. Raises `DataError` where that fails.

        Several processes may do this at once: one works, the others wait.
        """
        source, folder = self.source(), self.source_folder
        if not _missing(source, folder):
            return
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with claimed(folder):
                if _missing(source, folder):
                    fetch_files(source.published, folder, progress)
                    source.unpack(folder)
        except (OSError, RuntimeError, EOFError) as error:
            raise DataError(f"Cannot fetch or unpack {self} in {folder}: {_reason(error)}.") from error


def archive_source(
    opened: Any, classes: tuple[str, ...], more: tuple[str, ...], read: Callable[[Path], tuple[Images, Images]]
) -> Source:
    """The source of a torchvision class with one archive and lists of its files; `more` are files not in the lists."""
    names = [*(name for name, _ in opened.train_list + opened.test_list), *more]
    return Source(
        classes,
        files=tuple(f"{opened.base_folder}/{name}" for name in names),
        published=(PublishedFile(opened.filename, (opened.url,), opened.tgz_md5),),
        unpack=lambda folder: opened(folder, download=True),
        read=read,
    )


def _missing(source: Source, folder: Path) -> list[str]:
    return [file for file in source.files if not (folder / file).is_file()]


def _read(dataset: Dataset, source: Source, folder: Path) -> tuple[Images, Images]:
    try:
        return source.read(folder)
    except MemoryError as error:
        raise DataError(f"There is too little memory to read {dataset}: {_reason(error)}.") from error
    except Exception as error:  # damage makes torchvision raise errors of many types
        raise DataError(
            f"The files of {dataset} in {folder} are damaged ({_reason(error)}): remove them, and run "
            f"`vaegan-bench data prepare {_quote(dataset)}`."
        ) from error


def _quote(dataset: Dataset) -> str:
    """Its selector, for a shell."""
    return f'"{dataset}"' if "[" in str(dataset) else str(dataset)


def _reason(error: Exception) -> str:
    """The first sentence of an error; the rest is advice for callers of torchvision."""
    return str(error).partition("\n")[0].partition(". ")[0].rstrip(".") or type(error).__name__
