"""The meaning of distances by a ruler: a verdict on its extractor, and the distortion with the same distance."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

from vaegan_bench.results.rulers import Mark, Ruler, Scale

CLEAR = 2.0
"""A distortion is seen at a level if its distance is at least this many times the floor's."""
GROWS = 0.9
"""The distance of a stronger level is at least this share of a milder one's; less, and levels are out of order."""
KEPT = 0.5
"""Slight distortions keep at least this share of the floor's precision; else precision rejects recognisable images."""
MOST_BLIND = 0.5
"""An extractor that is blind to at least this share of the distortions sees too little to be of use."""
SLIGHT = ("blur", "noise")
"""Distortions that a viewer hardly sees at their mildest level."""
READ_ON = ("blur", "noise")
"""Distortions that distances are compared with in words."""
READ = ("frechet", "fid")
"""The names of numbers that have a reading begin so."""
OF_IMAGES = ("sample quality", "reconstruction", "latent")
"""Families of metrics to whose numbers on features the verdict on an extractor applies."""
USABLE, UNUSABLE = "usable", "not usable here"
ON_SCALE, OFF_SCALE = "on the scale", "off the scale"


@dataclass(frozen=True)
class Verdict:
    """Whether the distances of an extractor are meaningful on a data set, with the numbers that decided it."""

    unusable: tuple[str, ...] = ()
    """Why they are not: precision is lost after slight distortions, or too many distortions are not seen."""
    blind: tuple[str, ...] = ()
    """Distortions that the extractor does not see at any level."""
    disordered: tuple[str, ...] = ()
    """Distortions with a stronger level at a smaller distance."""

    def __str__(self) -> str:
        """In one line: 'not usable here: …', or 'usable', followed by its limits."""
        limits = {"blind to": self.blind, "out of order on": self.disordered}
        said = [f"{words} {', '.join(found)}" for words, found in limits.items() if found]
        if self.unusable:
            return "; ".join([f"{UNUSABLE}: {', '.join(self.unusable)}", *said])
        return ", but ".join([USABLE, "; ".join(said)] if said else [USABLE])


def verdict(ruler: Ruler) -> Verdict:
    """Judge an extractor by its ruler; docs/metrics.md states the rules."""
    kept = KEPT * ruler.floor.precision
    slight = [(scale, scale.marks[0]) for scale in ruler.scales if scale.name in SLIGHT]
    lost = [_lost_precision(ruler, *each) for each in slight if each[1].precision < kept]
    blind = [_unseen(ruler, scale) for scale in ruler.scales if is_blind(ruler, scale)]
    if len(blind) >= MOST_BLIND * len(ruler.scales):
        lost.append(f"it does not see {len(blind)} of {len(ruler.scales)} distortions")
    return Verdict(
        unusable=tuple(lost),
        blind=tuple(blind),
        disordered=tuple(_out_of_order(scale, *pair) for scale in ruler.scales for pair in _disorder(scale)),
    )


def _lost_precision(ruler: Ruler, scale: Scale, mark: Mark) -> str:
    return f"after {_said(scale, mark.level)} precision is {mark.precision:.2f}, not {ruler.floor.precision:.2f}"


def _unseen(ruler: Ruler, scale: Scale) -> str:
    strongest = scale.marks[-1]
    return f"{scale.name} ({_at(strongest)}, floor {_short(ruler.floor.frechet)})"


def _out_of_order(scale: Scale, milder: Mark, stronger: Mark) -> str:
    return f"{scale.name} ({_at(milder)}, {_at(stronger)})"


def _at(mark: Mark) -> str:
    return f"{_short(mark.frechet)} at {mark.level:g}"


def _short(distance: float) -> str:
    return f"{distance:,.0f}" if distance >= 100 else f"{distance:.3g}"


def is_blind(ruler: Ruler, scale: Scale) -> bool:
    """Whether a distortion is not seen at its strongest level."""
    return not sees(ruler, scale.marks[-1])


def sees(ruler: Ruler, mark: Mark) -> bool:
    """Whether the distance of a mark is clearly above the floor."""
    return mark.frechet > 0 and mark.frechet >= CLEAR * ruler.floor.frechet


def mildest_seen(ruler: Ruler, scale: Scale) -> float:
    """The mildest level that is seen; NaN where none is."""
    return next((mark.level for mark in scale.marks if sees(ruler, mark)), math.nan)


def reading(ruler: Ruler, distance: float) -> str:
    """The distortions that are as far from held-out images as this distance: 'blur of 2.2 px, noise of 18'.

    'the floor' where training images are no nearer; 'off the scale' where no mark of the ruler is so far; 'on
    the scale' where the extractor is blind to both distortions or out of order on them.
    """
    if distance <= ruler.floor.frechet:
        return "the floor"
    if distance > max(mark.frechet for scale in ruler.scales for mark in scale.marks):
        return OFF_SCALE
    fit = [s for s in ruler.scales if s.name in READ_ON and not is_blind(ruler, s) and not any(_disorder(s))]
    return ", ".join(_read(scale, distance) for scale in fit) or ON_SCALE


class Readings:
    """Finds the ruler for each number of a study, and the number's reading."""

    def __init__(self, rulers: Iterable[Ruler]) -> None:
        self.rulers = list(rulers)
        self._of_row = lru_cache(maxsize=1024)(self._look_up)

    def annotate(self, row: Mapping[str, Any], data: str) -> dict[str, Any]:
        """A row with its reading and the verdict on its extractor, '' without a ruler; `data`: the data's digest."""
        if row["family"] not in OF_IMAGES or not self.rulers:
            return {**row, "reading": "", "instrument": ""}
        ruler, instrument = self._of_row(row["dataset"], row["metric"], row["protocol"], data)
        return {**row, "reading": reading(ruler, row["value"]) if ruler else "", "instrument": instrument}

    def ruler(self, dataset: str, metric: str, protocol: str) -> Ruler | None:
        """The ruler for a metric on a data set, or None; `metric` may end with a part of its protocol in brackets."""
        name = metric.partition(" (")[0]
        return next((ruler for ruler in self.rulers if ruler.fits(dataset, name, json.loads(protocol))), None)

    def _look_up(self, dataset: str, metric: str, protocol: str, data: str) -> tuple[Ruler | None, str]:
        of_data = Readings(ruler for ruler in self.rulers if ruler.data == data)
        fitting, stated = of_data.ruler(dataset, metric, protocol), json.loads(protocol)
        of_extractor = [ruler for ruler in of_data.rulers if ruler.is_of(dataset, stated)]
        judged = [fitting] if fitting else [r for r in of_extractor if r.has_counts_of(stated)] or of_extractor
        verdicts = [verdict(ruler) for ruler in judged]
        chosen = next((v for v in verdicts if v.unusable), verdicts[0] if verdicts else "")
        return fitting, str(chosen)


def is_read(metric: str) -> bool:
    """Whether a number is a Fréchet distance, such as 'fid' or 'frechet[oracle]': only these have readings."""
    return metric.partition(" (")[0].partition("[")[0] in READ


def _disorder(scale: Scale) -> Iterator[tuple[Mark, Mark]]:
    """Pairs of neighbouring marks, (milder, stronger), where the stronger has a clearly smaller distance."""
    return ((a, b) for a, b in pairwise(scale.marks) if b.frechet < GROWS * a.frechet)


def _read(scale: Scale, distance: float) -> str:
    """The level of a distortion at this distance, in words: interpolated between two marks, both axes logarithmic."""
    reached = [*accumulate((mark.frechet for mark in scale.marks), max)]
    levels = [mark.level for mark in scale.marks]
    if distance < reached[0]:
        return f"below {_said(scale, levels[0])}"
    if distance > reached[-1]:
        return f"beyond {_said(scale, levels[-1])}"
    after = max(1, next(i for i, far in enumerate(reached) if far >= distance))
    near, far = reached[after - 1 : after + 1]
    if near <= 0:
        return f"below {_said(scale, levels[after])}"
    part = math.log(distance / near) / math.log(far / near) if far > near else 0.0
    return _said(scale, levels[after - 1] * (levels[after] / levels[after - 1]) ** part)


def _said(scale: Scale, level: float) -> str:
    return scale.phrase.format(f"{level:.2g}")
