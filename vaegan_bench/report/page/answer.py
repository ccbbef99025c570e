"""What a study's statistics show, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vaegan_bench.report import tables


@dataclass(frozen=True)
class Finding:
    """What the statistics show on a number, or why they show nothing."""

    topic: str
    """What the number measures, or its name; '' where the text says it."""
    text: str


def findings(
    rows: pd.DataFrame, pairs: pd.DataFrame, topics: Mapping[str, str], fates: Mapping[str, bool]
) -> list[Finding]:
    """What the numbers in `rows` show, all of one data set and named by protocol.

    A winner is named only where `pairs`, those of `tables.paired_differences`, have a verdict. Numbers for which there
    is no verdict for the same reason share a sentence. `topics`: what numbers measure, in the words of a reader.
    `fates`: model → whether one of its runs finished.
    """
    said, silent, summary = list[Finding](), dict[str, list[str]](), tables.summarise(rows)
    for metric, group in _among(pairs, summary).groupby("metric", sort=False):
        of_metric = summary[summary["metric"] == metric]
        means = dict(zip(of_metric["model"], of_metric["mean"], strict=True))
        topic = topics.get(str(metric).partition(" (")[0], "")
        shown = list(_verdicts(str(metric), topic, group, means))
        said += shown
        if not shown:
            silent.setdefault(_why(group), []).append(f"{topic} ({metric})" if topic else str(metric))
    said += [Finding("", f"On {_listed(metrics)} {reason}.") for reason, metrics in silent.items()]
    return said or [Finding("", _alone(fates))]


def _among(pairs: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """The pairs of models that both have their number in `summary`."""
    known = set(zip(summary["metric"], summary["model"], strict=True))
    columns = zip(pairs["metric"], pairs["model"], pairs["other"], strict=True)
    return pairs.loc[[{(metric, model), (metric, other)} <= known for metric, model, other in columns]]


def _verdicts(metric: str, topic: str, pairs: pd.DataFrame, means: Mapping[str, float]) -> Iterator[Finding]:
    """Which models are better than others; nothing where no model is. `means`: each model's mean."""
    better = pairs[pairs["verdict"] == tables.BETTER]
    if better.empty:
        return
    first, seeds = better.iloc[0], tables.common_seeds(better["seeds"].min(), better["seeds"].max())
    name, how = tables.with_units(metric, first["units"]), f"{first['direction']} is better, {seeds}"
    parts = "; ".join(_parts(better, means))
    said = f"({name}, {how}): {parts}." if topic else f"({how}): {parts}."
    yield Finding(tables.capitalised(topic) or name, said)


def _parts(better: pd.DataFrame, means: Mapping[str, float]) -> Iterator[str]:
    """'a (1.2) and b (1.3) are better than c (2.1)' for models that are better than the same ones, the best first."""
    beaten = {str(model): tuple(group["other"]) for model, group in better.groupby("model", sort=False)}
    named = {model: f"{model} ({tables.number(mean)})" for model, mean in means.items()}
    for others in sorted(dict.fromkeys(beaten.values()), key=len, reverse=True):
        winners = _listed([named[model] for model, worse in beaten.items() if worse == others])
        whom = "every other model" if len(others) == len(means) - 1 > 1 else _listed([named[each] for each in others])
        yield f"{winners} {'is' if list(beaten.values()).count(others) == 1 else 'are'} better than {whom}"


def _why(pairs: pd.DataFrame) -> str:
    """The reasons for which no pair has a verdict, as the rest of a sentence."""
    return "; ".join(dict.fromkeys(tables.reason_clause(str(verdict)) for verdict in pairs["verdict"]))


def _alone(fates: Mapping[str, bool]) -> str:
    """A sentence for models with nothing to compare."""
    finished = [model for model, has_finished in fates.items() if has_finished]
    if not finished:
        return "No run finished: there is nothing to compare."
    if len(fates) == 1:
        return "One model alone: there is nothing to compare it with."
    if len(finished) == 1:
        return f"Only {finished[0]} has a finished run: there is nothing to compare it with."
    return "No two models have a number in common, so that nothing is compared."


def _listed(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
