"""What sample quality costs here and in torch-fidelity: from images, from features, and in memory.

Run: python benchmarks/evaluation.py --end-to-end [--n 256] [--rounds 5]   four models' images against one reference
     python benchmarks/evaluation.py --features [--n 10000] [--rounds 3]   the four metrics on given features
     python benchmarks/evaluation.py --memory [--n 50000]                  peak memory of this process

All with --threads, by default 2. Both sides do the same work in one process, in turn; printed are the median of the
ratios, their range, and the largest relative difference between the values. Inception has random weights in
torch-fidelity's format, so that nothing is downloaded: it costs as much as with the known ones.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from vaegan_bench.api import Derive, Extractor, Features, Metric, Outputs, Source
from vaegan_bench.evaluation.given_images import GivenImages, data_of
from vaegan_bench.evaluation.references import References
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.extractors.inception import Inception
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.metrics.samples.inception_score import InceptionScore
from vaegan_bench.metrics.samples.kid import KID
from vaegan_bench.metrics.samples.precision_recall import PrecisionRecall
from vaegan_bench.system.device import describe
from vaegan_bench.system.vision import load_torch_fidelity

CPU = torch.device("cpu")
WIDTH, CLASSES = 2048, 1008
MODELS = 4
NAMES = {
    "frechet": "frechet_inception_distance",
    "inception-score": "inception_score_mean",
    "kid": "kernel_inception_distance_mean",
    "precision": "precision",
    "recall": "recall",
}
"""Ours and torch-fidelity's."""
METRICS: list[type[Any]] = [InceptionScore, Frechet, KID, PrecisionRecall]
OFF: Mapping[str, object] = {"cache": False}
GROUP = {InceptionScore: "IS", Frechet: "FID", KID: "KID and PR", PrecisionRecall: "KID and PR"}
"""KID and precision and recall come from one pass here."""
ALL = {"isc": True, "fid": True, "kid": True, "prc": True}
Values = dict[str, float]


def scenes(n: int, seed: int) -> Tensor:
    """Blocks of all sizes and colours; (n, 3, 64, 64) uint8."""
    noise = torch.Generator().manual_seed(seed)
    images = torch.full((n, 3, 64, 64), 128.0)
    for side in (2, 4, 8, 16):
        strength = (50 - 4 * seed) * torch.rand(n, 1, 1, 1, generator=noise)
        images += strength * F.interpolate(torch.randn(n, 3, side, side, generator=noise), (64, 64))
    return images.clamp_(0, 255).to(torch.uint8)


def write_random_inception(path: Path) -> None:
    """A file in torch-fidelity's format: random weights, whose batch norms know images, so that features differ."""
    fidelity = load_torch_fidelity()
    torch.manual_seed(0)
    with (
        mock.patch.object(fidelity.feature_extractor_inceptionv3, "load_state_dict_from_url"),
        mock.patch.object(fidelity.FeatureExtractorInceptionV3, "load_state_dict"),
    ):
        network = fidelity.FeatureExtractorInceptionV3("random", ["2048", "logits_unbiased"])
    network.fc.weight.mul_(20)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(scenes(16, seed=0))
    torch.save(network.eval().state_dict(), path)


class Images(Dataset[Tensor]):
    """What torch-fidelity takes: one uint8 image (3, H, W) per index."""

    def __init__(self, images_NCHW: Tensor) -> None:
        self.images_NCHW = images_NCHW

    def __len__(self) -> int:
        return len(self.images_NCHW)

    def __getitem__(self, index: int) -> Tensor:
        return self.images_NCHW[index]


def values_of(outputs: Outputs, extractor: Extractor) -> Values:
    """Our numbers, under torch-fidelity's names."""
    rows = [row for metric in METRICS for row in metric(extractor=extractor)(outputs)]
    found = {row.metric.partition("[")[0]: row.value for row in rows}
    return {theirs: found[ours] for ours, theirs in NAMES.items()}


def ours_end_to_end(real: Tensor, fakes: Sequence[Tensor], weights: Path) -> list[Values]:
    """All models, with nothing known before."""
    extractor = Inception(weights=str(weights), any_weights=True)
    with tempfile.TemporaryDirectory() as cache:
        references = References(data_of(real), Path(cache), CPU)
        return [values_of(GivenImages(references, fake), extractor) for fake in fakes]


def theirs_end_to_end(real: Tensor, fakes: Sequence[Tensor], weights: Path, **cached: object) -> list[Values]:
    """One call for each model, as torch-fidelity comes but for the CPU and the weights."""
    weighed = {"feature_extractor": "inception-v3-compat", "feature_extractor_weights_path": str(weights)}
    how = {"cuda": False, "verbose": False, "kid_subset_size": min(1000, len(real)), **weighed, **(cached or OFF)}
    evaluate = load_torch_fidelity().calculate_metrics
    return [evaluate(input1=Images(fake), input2=Images(real), **ALL, **how) for fake in fakes]


def end_to_end(n: int, rounds: int) -> None:
    """Four models' images against one reference: nothing cached, and with torch-fidelity's own cache warm."""
    real, fakes = scenes(n, 0), [scenes(n, seed) for seed in range(1, MODELS + 1)]
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.pth"
        write_random_inception(weights)
        warm = {"cache": True, "cache_root": folder, "input2_cache_name": "reference"}
        theirs_end_to_end(real, fakes[:1], weights, **warm)
        sides: dict[str, Callable[[], list[Values]]] = {
            "ours": lambda: ours_end_to_end(real, fakes, weights),
            "torch-fidelity": lambda: theirs_end_to_end(real, fakes, weights),
            "torch-fidelity, its cache warm": lambda: theirs_end_to_end(real, fakes, weights, **warm),
        }
        report(f"{MODELS} models, {n} images each, from images", sides, rounds)


def report(what: str, sides: Mapping[str, Callable[[], list[Values]]], rounds: int) -> None:
    """Run all sides in turn and print how many times as long as ours the others take."""
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    found: dict[str, list[Values]] = {}
    for turn in range(rounds):
        for side in sides if turn % 2 else reversed(list(sides)):
            started = time.perf_counter()
            found[side] = sides[side]()
            seconds[side].append(time.perf_counter() - started)
    ours, *others = sides
    print(f"{what}: ours {statistics.median(seconds[ours]):.2f} s (median of {rounds})")
    for side in others:
        ratios = [theirs / mine for theirs, mine in zip(seconds[side], seconds[ours], strict=True)]
        print(f"  {side} / ours = {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"  largest relative differences: {differences(found[ours], found[others[0]])}")


def differences(ours: Sequence[Values], theirs: Sequence[Values]) -> str:
    """Of each number, over all models."""
    pairs = list(zip(ours, theirs, strict=True))
    worst = {name: max(abs(a[name] / b[name] - 1) if b[name] else abs(a[name]) for a, b in pairs) for name in ours[0]}
    return ", ".join(f"{name} {value:.1e}" for name, value in worst.items())


@dataclass
class GivenFeatures:
    """Outputs that consist of features."""

    given: Mapping[Source, Features]
    known: dict[object, Mapping[str, Tensor]] = field(default_factory=dict)
    """What was derived of the real ones."""

    def network(self, extractor: Extractor) -> Any:
        """What rows are named after."""
        return SimpleNamespace(name="given", digest="", protocol={}, columns=())

    def features(self, extractor: Extractor, source: Source) -> Features:
        """The given ones."""
        return self.given[source]

    def reference(self, extractor: Extractor, derive: Derive, **parameters: int | float | str) -> Mapping[str, Tensor]:
        """Derived once."""
        key = (derive, *parameters.items())
        if key not in self.known:
            self.known[key] = derive(self.given["real"], **parameters)
        return self.known[key]


def features(n: int, seed: int) -> Tensor:
    """(n, 2048) float32 like pooled activations: non-negative, and of a hundred dimensions that matter."""
    mixing = torch.randn(100, WIDTH, generator=torch.Generator().manual_seed(0)) / 10
    noise = torch.Generator().manual_seed(seed)
    made = torch.empty(n, WIDTH)
    for block in made.split(1000):
        block.normal_(0.01 * seed, 0.3, generator=noise)
        block.addmm_(torch.randn(len(block), 100, generator=noise), mixing).relu_()
    return made


def given_features(n: int) -> GivenFeatures:
    """Features of both sides; the first of them serve as logits."""
    real, fake = features(n, 0), features(n, 1)
    return GivenFeatures({"real": Features(real, real[:, :CLASSES]), "samples": Features(fake, fake[:, :CLASSES])})


def ours_on(outputs: GivenFeatures, spent: dict[str, float], warm: bool) -> list[Values]:
    """All four metrics; `warm` keeps what was derived of the real features."""
    samples = outputs.given["samples"]
    copied = Features(samples.features_NF.clone(), samples.logits_NK)  # nothing is remembered of a copy
    outputs = replace(outputs, given={**outputs.given, "samples": copied})
    if not warm:
        outputs.known.clear()
    rows = []
    for metric in METRICS:
        started = time.perf_counter()
        rows += metric(extractor=EffLite0())(outputs)
        spent[GROUP[metric]] = spent.get(GROUP[metric], 0) + time.perf_counter() - started
    found = {row.metric.partition("[")[0]: row.value for row in rows}
    return [{theirs: found[ours] for ours, theirs in NAMES.items()}]


def theirs_on(outputs: GivenFeatures, spent: dict[str, float]) -> list[Values]:
    """torch-fidelity's own functions on the same features."""
    fidelity = load_torch_fidelity()
    real, fake = outputs.given["real"], outputs.given["samples"]
    a, b = fake.features_NF, real.features_NF
    fid, size = fidelity.metric_fid, min(1000, len(a), len(b))
    steps: list[tuple[str, Callable[[], Values]]] = [
        ("IS", lambda: fidelity.metric_isc.isc_features_to_metric(fake.logits_NK)),
        ("FID", lambda: fid.fid_statistics_to_metric(*(fid.fid_features_to_statistics(x) for x in (a, b)), False)),
        ("KID and PR", lambda: fidelity.metric_kid.kid_features_to_metric(a, b, kid_subset_size=size, verbose=False)),
        ("KID and PR", lambda: fidelity.metric_prc.prc_features_to_metric(a, b, verbose=False)),
    ]
    found: Values = {}
    for group, step in steps:
        started = time.perf_counter()
        found |= step()
        spent[group] = spent.get(group, 0) + time.perf_counter() - started
    return [found]


def on_features(n: int, rounds: int) -> None:
    """All that comes after extraction, for one model: all of it, each metric, and with the real side known."""
    outputs = given_features(n)
    spent: dict[str, dict[str, float]] = {"ours": {}, "theirs": {}, "warm": {}}
    sides: dict[str, Callable[[], list[Values]]] = {
        "ours": lambda: ours_on(outputs, spent["ours"], warm=False),
        "torch-fidelity": lambda: theirs_on(outputs, spent["theirs"]),
        "ours, with the real side known,": lambda: ours_on(outputs, spent["warm"], warm=True),
    }
    ours_on(outputs, {}, warm=False)
    report(f"one model, {n} x {WIDTH} features", sides, rounds)
    for group, seconds in spent["ours"].items():
        theirs, warm = spent["theirs"][group] / rounds, spent["warm"][group] / rounds
        means = f"{seconds / rounds:.2f} s here ({warm:.2f} s with the real side known), {theirs:.2f} s there"
        print(f"  {group}: {means}: {theirs * rounds / seconds:.2f} times as fast")


def memory(n: int, names: Sequence[str]) -> None:
    """The peak of this process while it holds both sides' features and measures."""
    print(f"torch alone: {peak():.2f} GB")
    outputs = given_features(n)
    print(f"with features of 2 x {n} images, {WIDTH} each: {peak():.2f} GB")
    wanted: dict[str, type[Metric]] = {"fid": Frechet, "kid": KID, "pr": PrecisionRecall, "is": InceptionScore}
    for name in names:
        started = time.perf_counter()
        wanted[name](extractor=EffLite0())(outputs)  # type: ignore[call-arg, arg-type]
        print(f"after {name} ({time.perf_counter() - started:.0f} s): {peak():.2f} GB", flush=True)


def peak() -> float:
    """The most memory that this process ever held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--end-to-end", action="store_true")
    what.add_argument("--features", action="store_true")
    what.add_argument("--memory", action="store_true")
    parser.add_argument("--n", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--metrics", nargs="+", default=["fid", "kid", "pr"], help="what --memory measures")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore", message="This DataLoader will create")  # torch-fidelity's workers
    print(f"torch {torch.__version__}, {describe(CPU)}, {arguments.threads} threads of {os.cpu_count()}")
    if arguments.end_to_end:
        end_to_end(arguments.n or 256, arguments.rounds or 5)
    elif arguments.features:
        on_features(arguments.n or 10_000, arguments.rounds or 3)
    else:
        memory(arguments.n or 50_000, arguments.metrics)


if __name__ == "__main__":
    main()
