"""A paper's claims, judged by our runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.reproduction.paper import Claim

CLAIM_COLUMNS = ("the paper says", "metric", "difference", "P", "verdict")
CLAIM_NOTE = (
    "Difference: the model that is said to be better minus the other, paired over seeds, with its 95 % t-interval. "
    "P: the share of pairs of a run of one with a run of the other in which it is better. Verdict: a paired "
    "sign-flip test at 5 %, Holm over all pairs of models. Without a verdict the last column "
    "gives only the direction of the mean difference; with one common seed it does not give this either."
)


def claims_to_markdown(lines: Iterable[list[str]]) -> Iterator[str]:
    """The table of claims with the cells of `judge`, and what its columns mean."""
    yield tables.markdown_table(CLAIM_COLUMNS, lines, left=2)
    yield CLAIM_NOTE


def judge(claim: Claim, rows: pd.DataFrame, known_as: Mapping[str, str]) -> list[str]:
    """The cells that judge a claim by our runs: metric, difference, probability, verdict."""
    if rows.empty:
        return [claim.metric, "", "", "not measured"]
    pairs = tables.paired_differences(rows)
    of_pair = pairs[(pairs["model"] == claim.better) & (pairs["other"] == claim.worse)]
    found = of_pair[[plain_name(name, known_as) == claim.metric for name in of_pair["metric"]]]
    if found.empty:
        fates = [f"`{model}`: {text}" for model, text in finished_runs(rows).items() if " of " in text]
        return [claim.metric, "", "", "; ".join(["not measured", *fates])]
    row = found.iloc[0].to_dict()
    name, difference = tables.heading(row["metric"], row["direction"], row["units"]), row["difference"]
    cells = [name, tables.cell(difference, row["half_width"])]
    if row["seeds"] < 2:
        return [*cells, "", str(row["verdict"])]
    if row["verdict"].startswith(tables.NO_VERDICT):  # the instrument does not show the direction either
        return [*cells, f"{row['improvement']:.2f}", row["verdict"]]
    gain = difference * (1 if row["direction"] == "higher" else -1)
    leaning = "agrees with" if gain > 0 else "contradicts" if gain < 0 else "neither supports nor contradicts"
    held = {tables.BETTER: "holds", tables.WORSE: "not reproduced at this budget"}.get(
        row["verdict"], f"{row['verdict']}; the mean {leaning} the claim"
    )
    return [*cells, f"{row['improvement']:.2f}", held]


def finished_runs(rows: pd.DataFrame) -> dict[str, str]:
    """Model → how many of its runs finished, and what was wrong with the others."""
    counted = tables.runs(rows).droplevel("dataset")
    return {str(model): str(text) for model, text in counted.items()}


def plain_name(number: str, known_as: Mapping[str, str]) -> str:
    """A number's name without its extractor; 'frechet' for 'fid', as metrics declare, but for a debiased one."""
    name = number.partition("[")[0]
    return name if name.endswith("-debiased") else known_as.get(name, name).partition("[")[0]
