"""What a study's statistics show, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from vaegan_bench.report import tables


def sentences(rows: pd.DataFrame) -> list[str]:
    """Sentences on the numbers in `rows`, all of one data set: what they show, and why others show nothing.

    A sentence names a winner only where `tables.comparisons` has a verdict. Numbers for which there is no verdict for
    the same reason share a sentence. Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = tables.by_protocol(tables.overall(rows))
    pairs = tables.comparisons(rows)
    said, silent = list[str](), dict[str, list[str]]()
    for metric, group in pairs.groupby("metric", sort=False):
        shown = list(_verdicts(str(metric), group))
        said += shown
        if not shown:
            silent.setdefault(_why(group), []).append(str(metric))
    said += [f"On {_listed(metrics)} {reason}." for reason, metrics in silent.items()]
    return said or list(_alone(rows))


def _verdicts(metric: str, pairs: pd.DataFrame) -> Iterator[str]:
    """A sentence for each model that is better than others."""
    better = pairs[pairs["verdict"] == tables.BETTER]
    rivals = pairs["model"].nunique() - 1
    for model, group in better.groupby("model", sort=False):
        beaten = group.to_dict("records")
        first = beaten[0]
        against = "; ".join(f"{tables.number(row['other_mean'])} ({row['other']})" for row in beaten)
        whom = "every other model" if len(beaten) == rivals > 1 else _listed([row["other"] for row in beaten])
        yield (
            f"{model} is better than {whom} on {tables.with_units(metric, first['units'])}: "
            f"{tables.number(first['mean'])} against {against}; {BETTER_IS[first['direction']]}, "
            f"over {first['seeds']} common seeds."
        )


BETTER_IS = {"higher": "higher is better", "lower": "lower is better"}


def _why(pairs: pd.DataFrame) -> str:
    """The reasons for which no pair has a verdict, as the rest of a sentence."""
    return "; ".join(dict.fromkeys(_reason(str(verdict)) for verdict in pairs["verdict"]))


def _reason(verdict: str) -> str:
    if verdict.startswith(tables.NO_VERDICT):
        return f"no verdict is drawn: {verdict.removeprefix(tables.NO_VERDICT)}"
    return verdict.replace("no verdict possible", "no verdict is possible").replace("no difference", "no difference is")


def _alone(rows: pd.DataFrame) -> Iterator[str]:
    """A sentence for rows with nothing to compare."""
    if rows["model"].nunique() == 1:
        yield "One model alone: there is nothing to compare it with."
    else:
        yield "No two models have a number in common, so that nothing is compared."


def _listed(names: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
