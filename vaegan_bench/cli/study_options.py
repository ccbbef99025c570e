"""The study that the options of `run` describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vaegan_bench.cli.options import given_fields, refuse_idle_extractor
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.registry.selectors import split_list, split_lists
from vaegan_bench.study.study import Study
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.errors import StudyError

LISTS = ("models", "datasets", "metrics")
"""Options that are lists of selectors."""
PLAIN = (
    "size", "split", "networks", "steps", "batch", "ema", "precision", "device", "threads", "samples",
    "draws", "sampler", "calibrate", "name",
)  # fmt: skip
"""Options that set the key of the same name in a study."""
CROSSED = {
    "losses": "--losses takes field=loss,loss,… such as adversarial=minimax,hinge",
    "term_weights": "--term-weights takes term=factor,factor,… such as prior=0.5,linear[over=1000]",
}
"""Options that are crossed over all models → their syntax, for errors."""


def study_of(given: Mapping[str, Any], registry: Registry) -> Study:
    """The study that the parameters of the command describe."""
    study = load_study(_default_study() if given["study"] == "auto" else given["study"], registry.studies)
    values = {key: given[key] for key in PLAIN if given[key] is not None}
    values |= {key: split_lists(given[key]) for key in LISTS if given[key]}
    values |= {key: _crossings(key, given[key]) for key in CROSSED if given[key]}
    values |= _optimizers(given["optimizer"] or [], study)
    values |= {"ablate": True} if given["ablate"] else {}
    values |= {"seeds": _seeds(given["seeds"])} if given["seeds"] is not None else {}
    fields = given_fields(registry, given["extractor"], given["fields"])
    chosen = study.with_fields(fields, "the flags").with_values(values, "the flags")
    refuse_idle_extractor(given["extractor"], chosen.metrics, fields)
    return chosen


def _default_study() -> str:
    import torch

    return "standard" if torch.cuda.is_available() else "quick"


def _seeds(text: str) -> int | list[int]:
    try:
        numbers = [int(part) for part in text.removesuffix(",").split(",")]
    except ValueError as error:
        raise StudyError(
            f"--seeds takes a number of seeds (3), the seeds (0,4,7) or a single one (7,), not '{text[:40]}'."
        ) from error
    return numbers if "," in text else numbers[0]


def _optimizers(texts: Sequence[str], study: Study) -> dict[str, Any]:
    """The keys of a study that --optimizer replaces. For one player, its name and '=' stand before any bracket."""
    found = dict[str, str]()
    for text in texts:
        of_player = "=" in text.partition("[")[0]
        player, selector = map(str.strip, text.split("=", 1)) if of_player else ("", text.strip())
        if not selector or (of_player and not player):
            raise StudyError(f"--optimizer takes a selector, or player=selector, not '{text}'.")
        if player in found:
            raise StudyError(f"--optimizer is given twice for {player or 'all players'}.")
        found[player] = selector
    shared = {"optimizer": found.pop("")} if "" in found else {}
    return {**shared, "optimizers": {**study.optimizers, **found}}


def _crossings(key: str, texts: Sequence[str]) -> dict[str, list[str]]:
    crossed: dict[str, list[str]] = {}
    for text in texts:
        name, equals, selectors = text.partition("=")
        if not equals or not selectors:
            raise StudyError(f"{CROSSED[key]}, not '{text}'.")
        crossed.setdefault(name.strip(), []).extend(split_list(selectors))
    return crossed
