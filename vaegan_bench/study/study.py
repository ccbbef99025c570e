"""The question: a study, from a strict TOML file or from flags."""

from __future__ import annotations

import dataclasses
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vaegan_bench.study.values import check_values, read_value, thaw
from vaegan_bench.system.errors import StudyError, UnknownNameError, one_line

MOST = {"steps": 10**9, "size": 4096, "batch": 10**6, "samples": 10**7, "draws": 1000, "threads": 1024}
"""The largest value that a study may have for each key."""
PRIOR = "prior"
"""The name that stands for the models' own prior where a sampler could be named."""
MOST_RUNS = 10_000
BYTES, MOST_BYTES = 3 * 4, 2**40
"""Bytes of one pixel in float32, and the most bytes of one batch or one set of samples."""
LONGEST_NAME = 60
UNFIT_IN_NAMES = r'/ \ < > : " | ? *'
"""Characters that some file systems do not allow in the name of a folder."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that mean devices on Windows, and so on folders that are shared with it."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """What to compare, on what, for how long, and how to measure it. Plugins are named by selectors."""

    name: str = "study"
    """The folder under the results folder."""
    description: str = ""
    """What it asks, in a line."""
    datasets: tuple[str, ...] = ("avatars",)
    """Selectors."""
    size: int = 32
    """Pixels per side."""
    split: Literal["test", "validation"] = "test"
    """The images to measure on; 'validation' holds out the last tenth of the training images, for tuning."""
    networks: str = "compact"
    """The selector of the networks that all models share."""
    models: tuple[str, ...] = ("vae", "gan", "vaegan", "vaegan-pixel")
    """Selectors, or 'all' for every registered model."""
    losses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """field → selectors: crosses every chosen model that has such a field."""
    term_weights: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """term or 'player.term' → numbers or schedules: crosses the weights of every chosen model that has such a term."""
    ablate: bool = False
    """Whether every model is also run with each of its terms left out in turn."""
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """plugin name → field → value: this study's defaults, below what selectors say."""
    seeds: tuple[int, ...] = (0,)
    """The seeds themselves; a single number n in a file or flag means 0, …, n − 1."""
    steps: int = 2000
    """Training steps per run."""
    batch: int = 64
    """Images per step."""
    optimizer: str = "adam"
    """The optimizer of every player that `optimizers` does not name."""
    optimizers: Mapping[str, str] = field(default_factory=dict)
    """player → the optimizer of this player, in every model that has it."""
    ema: float = 0.0
    """Decay of the moving average of encoder and decoder that is evaluated; 0 evaluates the trained networks."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """'auto' is bfloat16 on hardware that is known to train faster in it, else float32."""
    device: str = "auto"
    """'auto', 'cpu', 'cuda' or 'mps'."""
    threads: int = 1
    """CPU threads of each run; part of its setting, because rounding depends on how sums are divided among threads."""
    metrics: tuple[str, ...] = ("frechet", "inception-score", "kid", "reconstruction")
    """Selectors; tables have their numbers in this order."""
    samples: int = 2000
    """The number of images that each model samples, and the most held-out images that it is measured on."""
    draws: int = 1
    """Independent sets of samples per run: numbers on samples are their mean, and their spread is evaluation noise."""
    sampler: str = PRIOR
    """The source of the codes of samples: 'prior', or a sampler that is fitted to the codes of training images."""
    calibrate: bool = True
    """Whether the extractors of Fréchet distances are calibrated on the data, so that distances have a reading."""

    def __post_init__(self) -> None:
        for name in ("size", "steps", "draws", "threads"):
            if getattr(self, name) < 1:
                raise StudyError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name, most in MOST.items():
            if getattr(self, name) > most:
                raise StudyError(f"{name} must be at most {most:,}.")
        if self.batch < 2:
            raise StudyError("batch must be at least 2: batch norm has no variance of one image.")
        if self.samples < 2:
            raise StudyError("samples must be at least 2: no metric measures a single image.")
        if any(not 0 <= seed < 2**63 for seed in self.seeds):
            raise StudyError("seeds must be between 0 and 2^63 − 1.")
        if not _names_a_folder(self.name):
            raise StudyError(
                f"name must be the plain name of a folder, of at most {LONGEST_NAME} characters and none of "
                f"{UNFIT_IN_NAMES}, not '{self.name}'."
            )
        if not 0 <= self.ema < 1:
            raise StudyError(f"ema must be in [0, 1), not {self.ema}.")
        if not self.models or not self.seeds or not self.datasets:
            raise StudyError("A study needs at least one model, one seed and one data set.")
        self._check_crossed()
        self._check_extent()

    def _check_crossed(self) -> None:
        for key in ("losses", "term_weights"):
            for name, crossed in getattr(self, key).items():
                if not crossed:
                    raise StudyError(f"{key}: '{name}' needs at least one value to cross.")

    def _check_extent(self) -> None:
        """Refuse too many runs, and more images than any memory holds, before anything is built."""
        factors = {"models": len(self.models), "data sets": len(self.datasets), "seeds": len(set(self.seeds))}
        factors |= {f"{field} losses": len(losses) for field, losses in self.losses.items()}
        factors |= {f"weights of {term}": len(weights) for term, weights in self.term_weights.items()}
        if (runs := math.prod(factors.values())) > MOST_RUNS:
            extent = " × ".join(f"{count:,} {name}" for name, count in factors.items())
            raise StudyError(
                f"{extent} are {runs:,} runs, and one study may have {MOST_RUNS:,}. Split it into several."
            )
        self._check_memory()

    def _check_memory(self) -> None:
        for name in ("batch", "samples"):
            count = getattr(self, name)
            if (size := count * self.size**2 * BYTES) > MOST_BYTES:
                extent = f"{name} {count:,} × {self.size:,}×{self.size:,} pixels × {BYTES} bytes"
                raise StudyError(f"{extent} are {size / 2**30:,.0f} GiB, more than any memory holds.")

    def with_values(self, values: Mapping[str, Any], where: str) -> Study:
        """The same study with some keys replaced; `where` names their source in errors.

        Raises `UnknownNameError` for a key that no study has, `StudyError` for a value that does not fit.
        """
        check_values(values, where)
        types_by_key = typing.get_type_hints(Study)
        for key in values:
            if key not in types_by_key:
                raise UnknownNameError(f"key in {where}:", key, types_by_key)
        return replace(self, **{k: read_value(k, v, types_by_key[k], where) for k, v in values.items()})

    def with_fields(self, fields: Mapping[str, Mapping[str, Any]], where: str) -> Study:
        """The same study with more defaults of plugins' fields; those given here win."""
        merged = {name: {**self.fields.get(name, {}), **given} for name, given in fields.items()}
        return self.with_values({"fields": {**self.fields, **merged}}, where)


def as_plain(study: Study) -> dict[str, Any]:
    """A study as plain data that JSON and TOML can hold."""
    plain = {f.name: getattr(study, f.name) for f in dataclasses.fields(study)}
    return {key: thaw(value) for key, value in plain.items()}


def _names_a_folder(name: str) -> bool:
    """Whether every file system accepts a name, unchanged, for a folder."""
    plain = name == one_line(name).strip() and 0 < len(name) <= LONGEST_NAME and name[0] != "." and name[-1] != "."
    return plain and not set(name) & set(UNFIT_IN_NAMES.replace(" ", "")) and not RESERVED.fullmatch(name)
