"""Records and arrays: written with a hash of their content, and read only if they still have it."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.exhibits import Array
from vaegan_bench.system.files import replace_file
from vaegan_bench.system.plain_data import check_sound

Arrays = Mapping[str, Array]
SEAL = "sha256"
"""The key of a record that holds a hash of all its other keys."""
LONGEST_HEAD = 1024
"""Bytes before the values of an array, at most; 128 for a plain type and few dimensions."""


class Form(NamedTuple):
    """The type, shape and order of an array, without its values."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_fortran: bool = False


def write_json(path: Path, content: Mapping[str, Any], stage: Path | None = None) -> None:
    """Write a record whole or not at all, with a hash of its content; `stage` is the path at which it is prepared."""
    plain = json.loads(json.dumps(content))
    sealed = {**plain, SEAL: sha256_of_content(plain)}
    with replace_file(path, stage) as partial:
        partial.write_text(json.dumps(sealed, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """A record as it was written. Raises `StoreError` for a file that cannot be read or has other content now."""
    with readable(path):
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
    """SHA-256 of plain data as JSON, independent of the order of keys and of white space."""
    return hashlib.sha256(_encode(content).encode()).hexdigest()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def check_hash(name: str, found: str, hashes: Mapping[str, str]) -> None:
    """Raise `ValueError` unless `found`, the hash of a file, is the hash of its name in `hashes`."""
    known = hashes.get(name)
    if found != known:
        raise ValueError(f"its SHA-256 is {found[:12]}…, not {f'{known[:12]}…' if known else 'known to its record'}")


def checked_content(name: str, content: bytes, hashes: Mapping[str, str]) -> io.BytesIO:
    """The content of a file as a stream. Raises `ValueError` unless its hash is the one of its name in `hashes`."""
    check_hash(name, hashlib.sha256(content).hexdigest(), hashes)
    return io.BytesIO(content)


def write_arrays(stream: BinaryIO, arrays: Arrays) -> None:
    """Write named arrays as npz; equal arrays give equal bytes."""
    np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_arrays(stream: io.BytesIO) -> Arrays:
    """Named arrays. Raises whatever damage raises: read inside of `readable`."""
    return {name: _array(_content_of(member, stream, member.file_size)) for name, member in _members(stream).items()}


def read_forms(stream: io.BytesIO) -> dict[str, Form]:
    """The types and shapes of named arrays, without reading their values. Raises as `read_arrays` does."""
    forms = {}
    for name, member in _members(stream).items():
        form, start = _form(_content_of(member, stream, LONGEST_HEAD))
        if start + form.dtype.itemsize * math.prod(form.shape) != member.file_size:
            raise ValueError(f"'{name}' has not the length of {form.dtype} {form.shape}")
        forms[name] = form
    return forms


def _members(stream: io.BytesIO) -> dict[str, ZipInfo]:
    with ZipFile(stream) as archive:
        return {member.filename.removesuffix(".npy"): member for member in archive.infolist()}


def _content_of(member: ZipInfo, stream: io.BytesIO, most: int) -> bytes:
    """The first `most` bytes of a file in an archive. Its CRC is not checked: the archive's hash was."""
    stream.seek(member.header_offset + 26)
    lengths = stream.read(4)  # of the name and of the extra field before the content
    stream.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), io.SEEK_CUR)
    packed = stream.read(member.compress_size)
    return (
        packed[:most]
        if member.compress_type == ZIP_STORED
        else zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    )


def _array(content: bytes) -> Array:
    form, start = _form(content)
    order: Literal["F", "C"] = "F" if form.is_fortran else "C"
    return np.frombuffer(bytearray(content), form.dtype, offset=start).reshape(form.shape, order=order)


def _form(content: bytes) -> tuple[Form, int]:
    """The type and shape in the head of an array, and the position at which its values begin."""
    start = 10 + int.from_bytes(content[8:10], "little")
    return _read_head(content[:start]), start


@lru_cache(maxsize=256)
def _read_head(head: bytes) -> Form:
    """Parse a head, once for all arrays of one type and shape: numpy reads it as Python code, which takes long."""
    stream = io.BytesIO(head)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array has another format")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    return Form(dtype, shape, is_fortran)


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
    except Exception as error:  # damaged or forged content may raise anything, from zlib's errors to recursion
        words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise StoreError(f"Cannot read {path}: it is damaged ({words}).{then}") from error


def error_of(*readers: Callable[[], object]) -> str:
    """The message of the first `StoreError` that a reader raises; '' where none does."""
    try:
        for read in readers:
            read()
    except StoreError as error:
        return str(error)
    return ""
