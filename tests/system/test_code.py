"""The code behind a run, a reference or a cache: wherever it lies, an edit of it makes another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from counted import Brightness
from shell import bench

import vaegan_bench
from vaegan_bench.api import Model, Schedule
from vaegan_bench.evaluation.references import References
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.metrics.samples.frechet import Frechet
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vae_disl import VAEDisl
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.run import MEASURING, TRAINING, UNCOUNTED, Run, code_of
from vaegan_bench.study.term_weights import TermWeight
from vaegan_bench.system.code import Code, code_behind, package_digest
from vaegan_bench.system.code_units import is_recorded
from vaegan_bench.system.imports import imports_of
from vaegan_bench.testing import blobs, small_run

LOSS = '''"""A loss."""
from dataclasses import dataclass
from vaegan_bench.api import ReconstructionLoss, hookimpl
{imports}

@dataclass(frozen=True, kw_only=True)
class Scaled(ReconstructionLoss):
    """A squared error."""
    name = "{name}"

    def __call__(self, prediction, target):
        return {times} * (prediction.mean - target).square().flatten(1).sum(1)

@hookimpl
def vaegan_bench_plugins():
    return [Scaled]
'''


def write_loss(file: Path, name: str = "scaled", times: str = "1.0", imports: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(LOSS.format(name=name, times=times, imports=imports), "utf-8")
    return file


@pytest.fixture(autouse=True)
def _python_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does for users: what it compiled of an earlier version must not be taken for the new one."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def run_with(*files: Path, name: str = "scaled") -> Run:
    """A run as a new command would plan it, in this process."""
    run = small_run(Registry(files).build(Model, f"vae[reconstruction={name}]"))
    assert run.id  # a plan asks for it at once
    return run


def cost_of(run: Run) -> float:
    """What its loss says of an error of 2 in each of 3 values: 12 times its scale."""
    reconstruction = run.model.reconstruction  # type: ignore[attr-defined]
    prediction = type("Prediction", (), {"mean": torch.full((1, 3), 2.0)})
    return float(reconstruction(prediction, torch.zeros(1, 3)))


def test_two_files_of_one_name_are_two(tmp_path: Path) -> None:
    first, second = write_loss(tmp_path / "a" / "loss.py"), write_loss(tmp_path / "b" / "loss.py", "other")
    before = [run_with(first, second, name=name).id for name in ("scaled", "other")]
    write_loss(first, times="50.0")
    after = [run_with(first, second, name=name) for name in ("scaled", "other")]
    assert after[0].id != before[0]
    assert after[1].id == before[1]
    assert [cost_of(run) for run in after] == [600.0, 12.0]


@pytest.mark.parametrize("name", ["my.loss.v2.py", "my loss.py", "verlust-é-ß.py", "日本.py", "2loss.py", "class.py"])
def test_a_plugin_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    file = write_loss(tmp_path / name)
    before = run_with(file)
    assert before.definition["code"][name]
    write_loss(file, times="2.0")  # as long as before, and in the same second
    after = run_with(file)
    assert after.id != before.id
    assert cost_of(after) == 24.0


def test_a_file_is_the_same_plugin_wherever_it_lies(tmp_path: Path) -> None:
    ids = {run_with(write_loss(tmp_path / folder / "loss.py")).id for folder in ("a", "b/c")}
    assert len(ids) == 1


def test_helpers_of_helpers_count_and_are_imported_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = write_loss(tmp_path / "far" / "loss.py", imports="from vb_middle import times", times="times")
    (tmp_path / "vb_middle.py").write_text("from vb_inner.values import times\n")
    (tmp_path / "vb_inner").mkdir()
    (tmp_path / "vb_inner" / "__init__.py").write_text("")
    (tmp_path / "vb_inner" / "values.py").write_text("times = 1.0\n")
    (tmp_path / "vb_apart.py").write_text("unrelated = 1\n")
    before = run_with(file)
    assert set(before.definition["code"]) == {"loss.py", "vb_middle.py", "vb_inner", "vaegan_bench"}
    assert cost_of(before) == 12.0
    (tmp_path / "vb_apart.py").write_text("unrelated = 2\n")
    assert run_with(file).id == before.id
    (tmp_path / "vb_inner" / "values.py").write_text("times = 9.0\n")  # as long as before, and in the same second
    after = run_with(file)
    assert after.id != before.id
    assert cost_of(after) == 108.0
    fresh = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path), str(file)], capture_output=True, text=True, check=True
    )
    assert fresh.stdout.strip() == after.id


FRESH = """
import sys
sys.path.insert(0, sys.argv[1])
from vaegan_bench.api import Model, Schedule
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import small_run
print(small_run(Registry([sys.argv[2]]).build(Model, "vae[reconstruction=scaled]")).id)
"""


def test_what_is_loaded_counts_until_it_is_imported_again(tmp_path: Path) -> None:
    file = write_loss(tmp_path / "loss.py")
    model = Registry([file]).build(Model, "vae[reconstruction=scaled]")
    before = small_run(model).id
    write_loss(file, times="7.0")  # a study is running meanwhile, with what it has imported
    assert small_run(model).id == before
    assert run_with(file).id != before


@pytest.mark.parametrize(
    ("statement", "module"),
    [
        ("def later():\n    import vb_lazy", "vb_lazy.py"),
        ("def later():\n    from importlib import import_module as load\n    load('vb_lazy')", "vb_lazy.py"),
        ("try:\n    import vb_lazy\nexcept ImportError:\n    pass", "vb_lazy.py"),
        ("import vb_space.inner.deep", "vb_space.inner"),
        ("from vb_space import inner", "vb_space.inner"),
        ("import statistics", "statistics.py"),
    ],
)
def test_every_way_to_import_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, module: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    deep = tmp_path / "vb_space" / "inner"  # vb_space has no __init__.py
    deep.mkdir(parents=True)
    files = [tmp_path / "vb_lazy.py", deep / "__init__.py", deep / "deep.py", tmp_path / "statistics.py"]
    for file in files:
        file.write_text("x = 1\n")
    if module == "statistics.py":  # a file that hides a module of the standard library
        monkeypatch.delitem(sys.modules, "statistics", raising=False)
        is_recorded.cache_clear()
    source = tmp_path / "plugin" / "loss.py"
    code = run_with(write_loss(source, imports=statement)).definition["code"]
    assert module in code
    for file in files:
        file.write_text("x = 22\n")
    assert run_with(source).definition["code"][module] != code[module]
    if module == "statistics.py":
        is_recorded.cache_clear()


def test_installed_libraries_count_by_their_version(tmp_path: Path) -> None:
    import scipy

    code = run_with(write_loss(tmp_path / "loss.py", imports="import scipy.special, json, torch")).definition["code"]
    assert code["scipy"] == scipy.__version__
    assert not {"json", "torch"} & set(code)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("def later(name):\n    exec(name)", "exec"),
        ("import importlib\ndef later(name):\n    importlib.import_module(name)", "import_module"),
        ("from importlib import import_module as load\ndef later(name):\n    load(name)", "import_module"),
        ("def later(name):\n    return __import__(name)", "__import__"),
        ("def later(network):\n    network.eval()", ""),
        ("import importlib\nimportlib.import_module('json')", ""),
    ],
)
def test_code_that_cannot_be_followed_is_told(tmp_path: Path, statement: str, told: str) -> None:
    found = run_with(write_loss(tmp_path / "loss.py", imports=statement)).definition["unfollowed"]
    assert [place.rpartition(": ")[2] for place in found] == ([told] if told else [])
    assert all(place.startswith("loss.py, line ") for place in found)


SCHEDULE = '''"""A schedule."""
from dataclasses import dataclass
from vaegan_bench.api import Schedule, hookimpl

@dataclass(frozen=True, kw_only=True)
class Halved(Schedule):
    """A constant."""
    name = "halved"

    def __call__(self, base, step, steps):
        exec("")
        return base * {times}

@hookimpl
def vaegan_bench_plugins():
    return [Halved]
'''


def test_the_weights_of_a_lender_s_terms_are_part_of_the_borrower(tmp_path: Path) -> None:
    file, ids = tmp_path / "halved.py", []
    for times in ("0.5", "0.4"):
        file.write_text(SCHEDULE.format(times=times))
        factor = TermWeight("generator", Registry([file]).build(Schedule, "halved"))
        run = small_run(VAEDisl(), lender_weights=(("discriminator", (factor,)),))
        assert run.definition["unfollowed"] == ["halved.py, line 11: exec"]
        ids.append(run.id)
    assert ids[0] != ids[1]


def test_a_plan_prints_what_it_cannot_follow(tmp_path: Path) -> None:
    file = write_loss(tmp_path / "loss.py", imports="def later(text):\n    exec(text)")
    done = bench("run", "smoke", "--models", "vae[reconstruction=scaled]", "--plugin", file, "--dry-run")
    told = "Code whose imports cannot be followed, so that edits of it do not make a new run: loss.py, line 5: exec."
    assert told in done.stdout.splitlines()
    assert "cannot be followed" not in bench("run", "smoke", "--models", "vae", "--dry-run").stdout


def test_what_a_plugin_takes_from_this_package_counts_even_where_training_does_not(tmp_path: Path) -> None:
    plain = run_with(write_loss(tmp_path / "loss.py"))
    using = run_with(
        write_loss(tmp_path / "loss.py", imports="from vaegan_bench.metrics.extractors.vgg16 import VGG16")
    )
    assert plain.definition["code"]["vaegan_bench"] == small_run(VAE()).definition["code"]["vaegan_bench"]
    assert using.definition["code"]["vaegan_bench"] != plain.definition["code"]["vaegan_bench"]


def test_what_only_measures_is_no_part_of_a_training() -> None:
    whole, trained = (code_of([Gaussian()], rooms) for rooms in (MEASURING, TRAINING))
    assert whole.parts.keys() == trained.parts.keys() == {"vaegan_bench"}
    assert whole.parts != trained.parts


def test_references_and_oracles_are_known_by_all_modules_that_they_import() -> None:
    known = {thing: _modules(code_behind(thing)) for thing in (Frechet, Oracle)}
    assert {"metrics.samples.frechet", "metrics.features.pairs", "api.evaluation"} <= known[Frechet]
    assert {
        "metrics.extractors.oracle",
        "metrics.extractors.learned_attributes",
        "metrics.extractors.folding",
    } <= known[Oracle]
    assert not {"cli", "report", "metrics.samples.kid"} & (known[Frechet] | known[Oracle])


def _modules(code: Code) -> set[str]:
    names = {name.removeprefix("vaegan_bench.") for name in code.own}
    return names | {name.rpartition(".")[0] for name in names}


METRIC = """
from vb_formula import formula
def derive(real):
    return {"value": formula(real.features_NF)}
"""


def test_a_reference_is_derived_again_when_a_helper_of_its_metric_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "vb_metric.py").write_text(METRIC)
    expected = (
        References(blobs(), tmp_path / "cache", torch.device("cpu")).features(Brightness(), "real", 20).features_NF
    )
    for formula, value in (("x.sum(0)", expected.sum(0)), ("x.amax(0)", expected.amax(0))):
        (tmp_path / "vb_formula.py").write_text(f"def formula(x):\n    return {formula}\n")
        Registry()  # as every command begins
        sys.modules.pop("vb_metric", None)
        derive = __import__("vb_metric").derive
        references = References(blobs(), tmp_path / "cache", torch.device("cpu"))
        assert torch.equal(references.reference(Brightness(), 20, derive, {})["value"], value)


EXTRACTOR = """
from dataclasses import dataclass
from vaegan_bench.api import Extractor
from vaegan_bench.metrics.extractors.frozen_network import FrozenNetwork

@dataclass(frozen=True, kw_only=True)
class Scaled(Extractor):
    name = "scaled"

    def open(self, data, cache, device, progress=None):
        def look(images_BCHW):
            features_BF = {times} * images_BCHW.float().mean((2, 3))
            return features_BF, features_BF[:, :0]

        protocol = {{"resize": "none", "dtype": "float32"}}
        return FrozenNetwork(name="scaled", digest="d", protocol=protocol, forward=look, device=device, batch=1000)
"""


def test_features_are_extracted_again_when_their_extractor_is_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    sums = []
    for times in ("1.0", "3.0"):
        (tmp_path / "vb_extractor.py").write_text(EXTRACTOR.format(times=times))
        Registry()
        extractor = __import__("vb_extractor").Scaled()
        references = References(blobs(), tmp_path / "cache", torch.device("cpu"))
        sums.append(float(references.features(extractor, "real", 20).features_NF.sum()))
    assert sums[1] == pytest.approx(3 * sums[0])


def test_imports_are_read_from_the_syntax() -> None:
    source = b"""
from __future__ import annotations
from typing import TYPE_CHECKING
import a.b, c as d
from .sibling import x
from ..uncle import *
if TYPE_CHECKING:
    import only_types
else:
    import really
"""
    found = imports_of(source, "pack.inner").modules
    assert {"a.b", "c", "pack.inner.sibling.x", "pack.uncle", "really"} <= found
    assert "only_types" not in found
    assert imports_of(b"not python (", "").modules == frozenset()


@pytest.mark.parametrize(
    "test", ["not TYPE_CHECKING", "not typing.TYPE_CHECKING", "late or TYPE_CHECKING", "NO_TYPE_CHECKING"]
)
def test_imports_count_under_other_conditions_than_that_of_type_checkers(test: str) -> None:
    assert imports_of(f"if {test}:\n    import a\nelse:\n    import b".encode(), "").modules == {"a", "b"}


def test_only_type_checkers_need_what_they_alone_import() -> None:
    source = b"if a:\n    import a\nelif typing.TYPE_CHECKING:\n    import only_types\nelse:\n    import b"
    assert imports_of(source, "").modules == {"a", "b"}


def test_every_room_is_counted_in_a_run_s_identity_or_named_as_not() -> None:
    rooms = {path.name for path in Path(vaegan_bench.__file__).parent.iterdir() if (path / "__init__.py").is_file()}
    assert rooms == {*MEASURING, *UNCOUNTED}
    assert not {*MEASURING} & {*UNCOUNTED}
    assert {*TRAINING} < {*MEASURING}


@pytest.mark.parametrize(("room", "counts"), [("models", True), ("report", False), ("report/models", False)])
def test_of_this_package_the_rooms_that_are_not_left_out_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str, counts: bool
) -> None:
    digests = []
    for content in ("a = 1", "a = 2"):
        root = tmp_path / content
        for place in ("system", "models", room):
            (root / place).mkdir(parents=True, exist_ok=True)
        (root / "models" / "unchanged.py").write_text("a = 0")
        (root / room / "changed.py").write_text(content)
        monkeypatch.setattr("vaegan_bench.system.code.__file__", str(root / "system" / "code.py"))
        digests.append(package_digest.__wrapped__(frozenset({"models", "system"})))
    assert (digests[0] != digests[1]) is counts
