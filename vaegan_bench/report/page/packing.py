"""Numbers as text to be stored in a page."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def pack_float16(values: ArrayLike) -> str:
    """Numbers of any shape in row-major order, as base64 of little-endian float16."""
    with np.errstate(over="ignore"):  # what is too large becomes infinite, as it would in a cast of torch
        halves = np.asarray(values, dtype=np.float64).astype("<f2")
    return _as_text(halves)


def pack_float32(values: ArrayLike) -> str:
    """Numbers of any shape in row-major order, as base64 of little-endian float32."""
    return _as_text(np.asarray(values).astype("<f4"))


def pack_int16(values: ArrayLike) -> str:
    """Whole numbers from −32,768 to 32,767, as base64 of little-endian int16."""
    return _as_text(np.asarray(values).astype("<i2"))


def _as_text(values: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
