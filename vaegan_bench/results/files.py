"""Records and arrays: written with a hash of their content, and read only if they still have it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.exhibits import Array
from vaegan_bench.system.files import whole_file
from vaegan_bench.system.plain_data import check_sound

Arrays = Mapping[str, Array]
SEAL = "sha256"
"""The key of a record that holds a hash of all its other keys."""


def write_json(path: Path, content: Mapping[str, Any], stage: Path | None = None) -> None:
    """Write a record whole or not at all, with a hash of its content; `stage` is where it is prepared."""
    plain = json.loads(json.dumps(content))
    sealed = {**plain, SEAL: sha256_of_content(plain)}
    with whole_file(path, stage) as partial:
        partial.write_text(json.dumps(sealed, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_json(path: Path, remedy: str = "") -> dict[str, Any]:
    """A record as it was written. Raises `StoreError` for a file that cannot be read or has other content now."""
    with readable(path, remedy):
        return parse_record(path.read_bytes())


def parse_record(text: bytes) -> dict[str, Any]:
    """A record as it was written. Raises whatever damage raises: parse inside of `readable`."""
    content = json.loads(text.decode("utf-8"))
    if not isinstance(content, dict):
        raise ValueError("it is not a record")
    seal = content.pop(SEAL, None)
    check_sound(content)
    if seal != sha256_of_content(content):
        raise ValueError("its content does not match the SHA-256 in it")
    return content


def sha256_of_content(content: Mapping[str, Any]) -> str:
    """SHA-256 of plain data as JSON, whatever the order of keys and the white space."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_hash(name: str, found: str, hashes: Mapping[str, str]) -> None:
    """Raise `ValueError` unless the hash that was found of a file stands under its name in `hashes`."""
    known = hashes.get(name)
    if found != known:
        raise ValueError(f"its SHA-256 is {found[:12]}…, not {f'{known[:12]}…' if known else 'known to its record'}")


def checked_content(name: str, content: bytes, hashes: Mapping[str, str]) -> io.BytesIO:
    """The content of a file as a stream. Raises `ValueError` where it does not have the hash of its name."""
    check_hash(name, hashlib.sha256(content).hexdigest(), hashes)
    return io.BytesIO(content)


def write_arrays(stream: BinaryIO, arrays: Arrays) -> None:
    """Write named arrays as npz; equal arrays give equal bytes."""
    np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_arrays(stream: io.BytesIO) -> Arrays:
    """Named arrays. Raises whatever damage raises: read inside of `readable`."""
    with np.load(stream, allow_pickle=False) as arrays:
        return {str(name): np.asarray(arrays[name]) for name in arrays.files}


@contextmanager
def readable(path: Path, remedy: str = "") -> Iterator[Path]:
    """Turn whatever a missing or damaged file raises into a `StoreError` that names it and ends with the `remedy`."""
    then = f" {remedy}" if remedy else ""
    try:
        yield path
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"Cannot read {path}: there is no such file.") from error
    except PermissionError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}.") from error
    except KeyError as error:
        raise StoreError(f"Cannot read {path}: it is damaged (there is no {error} in it).{then}") from error
    except Exception as error:  # what damage or a forger wrote may raise anything, from zlib's errors to recursion
        words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise StoreError(f"Cannot read {path}: it is damaged ({words}).{then}") from error
