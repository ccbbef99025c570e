"""Plugins by name: selectors, typos, types, duplicates, broken packages, files from outside."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest
from shell import bench

import vaegan_bench as vb
from vaegan_bench.api import (
    BenchError,
    Metric,
    Model,
    Networks,
    Plugin,
    PluginError,
    ReconstructionLoss,
    SelectorError,
    StudyError,
    UnknownNameError,
    definition,
)
from vaegan_bench.registry.companions import COMPANIONS
from vaegan_bench.registry.discovery import summary_line
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.registry.selectors import parse_selector, split_list
from vaegan_bench.study.study_file import load_study

PLUGINS = Path(__file__).parents[2] / "plugins"
MY_LOSS = '''
"""A loss from outside."""
from dataclasses import dataclass
from vaegan_bench.api import ReconstructionLoss, hookimpl

@dataclass(frozen=True, kw_only=True)
class Charbonnier(ReconstructionLoss):
    """A smooth L1."""
    name = "{name}"
    epsilon: float = 1e-3

    def __call__(self, prediction, target):
        return ((prediction.mean - target).square() + self.epsilon**2).sqrt().flatten(1).sum(1)

@hookimpl
def vaegan_bench_plugins():
    return [Charbonnier]
'''

FIELD = MY_LOSS.format(name="x").replace("import dataclass", "import dataclass, field")
METRIC = """
from dataclasses import dataclass
from vaegan_bench.api import Metric, hookimpl

@dataclass(frozen=True, kw_only=True)
class Own(Metric):
    '''A number.'''
    name = "own"
    family = "latent"
    {variable}

    def __call__(self, outputs):
        return []

@hookimpl
def vaegan_bench_plugins():
    return [Own]
"""
NO_MESSAGE = """
class Wordless(Exception):
    def __str__(self):
        raise KeyError("words")

raise Wordless
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def test_a_selector_builds_nested_plugins(registry: Registry) -> None:
    model = registry.build(Model, "vaegan[ gamma=1e-4, prior=kl[free_bits=2], adversarial=hinge ]")
    assert str(model) == "vaegan[prior=kl[free_bits=2.0],adversarial=hinge,gamma=0.0001]"


def test_a_plugin_is_restored_from_its_definition(registry: Registry) -> None:
    model = registry.build(Model, "vaegan[prior=kl[free_bits=2],regulariser=r1[weight=3]]")
    assert registry.restore(Model, definition(model)) == model


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("veagan", "Unknown model 'veagan'. Did you mean 'vaegan'? Known: gan, vae, vae-disl, vaegan, vaegan-pixel"),
        ("vaegan[gama=1]", "Did you mean 'gamma'?"),
        ("vaegan[adversarial=hinje]", "Unknown adversarial loss 'hinje'. Did you mean 'hinge'?"),
        ("vaegan[gamma=much]", "vaegan.gamma takes a finite number, not 'much'"),
        ("vaegan[gamma=nan]", "vaegan.gamma takes a finite number, not 'nan'"),
        ("vaegan[gamma=1,gamma=2]", "sets gamma more than once"),
        ("vae[prior=kl[free_bits=x]]", "kl.free_bits takes a finite number, not 'x'"),
        ("vaegan[gamma]", "write field=value"),
        ("vaegan[gamma=1", "write name or name[field=value,other=value]"),
        ("vae[reconstruction=gaussian[sigma=0]]", "sigma must be positive"),
        ("vaegan[gamma=1e999]", "vaegan.gamma takes a finite number, not '1e999'"),
        ("vae[" * 99 + "]" * 99, "its brackets are nested more than 20 deep"),
        ("vae\x1b[31m", r"Cannot read 'vae\x1b[31m': it contains invisible characters"),
        ("vae\udcff", "it contains invisible characters"),
        ("vae\0", "it contains invisible characters"),
    ],
)
def test_mistakes_are_told_in_one_line(registry: Registry, selector: str, message: str) -> None:
    with pytest.raises((UnknownNameError, SelectorError)) as raised:
        registry.build(Model, selector)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_choice_may_be_of_numbers(tmp_path: Path) -> None:
    source = MY_LOSS.format(name="levelled").replace("epsilon: float = 1e-3", "epsilon: Literal[1, 2] = 1")
    (tmp_path / "levelled.py").write_text("from typing import Literal\n" + source)
    registry = Registry([tmp_path / "levelled.py"])
    assert definition(registry.build(ReconstructionLoss, "levelled[epsilon=2]"))["epsilon"] == 2
    with pytest.raises(SelectorError, match=r"levelled\.epsilon takes 1, 2, not '3'"):
        registry.build(ReconstructionLoss, "levelled[epsilon=3]")


@pytest.mark.parametrize("value", ["9" * 19, "9" * 5000, "-" + "9" * 30, "1.5", "0x1"])
def test_a_whole_number_has_at_most_64_bits(registry: Registry, value: str) -> None:
    with pytest.raises(SelectorError, match=r"compact\.width takes a whole number of at most 64 bits, not"):
        registry.build(Networks, f"compact[width={value}]")


def test_only_our_own_error_leaves_the_reader_of_selectors(registry: Registry) -> None:
    chance = random.Random(13)
    pieces = ["vae", "vaegan", "gamma", "prior", "kl", "free_bits", "[", "]", "=", ",", "1", "-1", "nan", "9" * 40,
              " ", "none", "true", "\n", "\0", "é", "\udcff", "[" * 30, "reconstruction", "sigma", "0"]  # fmt: skip
    known = "vaegan[gamma=1e-4,prior=kl[free_bits=2],adversarial=hinge]"
    built, told = 0, list[str]()
    for trial in range(1500):
        text = "".join(chance.choices(pieces, k=chance.randrange(1, 9)))
        if trial % 2:
            at = chance.randrange(len(known))
            text = known[:at] + text + known[at + chance.randrange(4) :]
        try:
            registry.build(Model, text)
            built += 1
        except BenchError as error:
            told.append(str(error))
    assert built > 3
    assert not [line for line in told if "\n" in line]


WILD = """
    def __post_init__(self):
        raise {error}
"""


@pytest.mark.parametrize("error", ["KeyError('x')", "RecursionError()", "ZeroDivisionError('by zero')"])
def test_a_plugin_that_raises_anything_is_told_with_its_name(tmp_path: Path, error: str) -> None:
    file = tmp_path / "wild.py"
    source = MY_LOSS.format(name="wild").replace("    epsilon: float = 1e-3\n", "    epsilon: float = 1e-3\n" + WILD)
    file.write_text(source.format(error=error))
    with pytest.raises(SelectorError, match=r"Reconstruction loss 'wild' failed: .*Error.*\(wild\.py:\d+\)"):
        Registry([file]).build(ReconstructionLoss, "wild")


def test_a_file_that_ends_python_is_told(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(PluginError, match=r"ends\.py cannot be imported: sys\.exit\(0\) was called"):
        Registry([tmp_path / "ends.py"])


def test_lists_split_outside_of_brackets_only() -> None:
    assert split_list("vae, vaegan[gamma=1,prior=kl[beta=2]],gan") == ["vae", "vaegan[gamma=1,prior=kl[beta=2]]", "gan"]
    with pytest.raises(SelectorError, match="do not match"):
        split_list("vae]")
    assert str(parse_selector("a[b=c[d=e]]")) == "a[b=c[d=e]]"


def test_a_file_from_outside_adds_a_loss_and_changes_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "my_loss.py"
    file.write_text(MY_LOSS.format(name="charbonnier"))
    registry = Registry([file])
    assert registry.build(ReconstructionLoss, "charbonnier[epsilon=0.1]").name == "charbonnier"
    assert registry.of_kind("reconstruction loss")["charbonnier"].origin == str(file)
    assert "charbonnier" not in Registry().of_kind("reconstruction loss")


def test_two_plugins_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    file = tmp_path / "copycat.py"
    file.write_text(MY_LOSS.format(name="gaussian"))
    with pytest.raises(PluginError, match=r"reconstruction loss 'gaussian': one of built-in, one of .*copycat\.py"):
        Registry([file])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError"),
        (MY_LOSS.format(name="x").replace("frozen=True, ", ""), "@dataclass(frozen=True, kw_only=True)"),
        (MY_LOSS.format(name="x").replace('    name = "x"\n', ""), "must have a name"),
        (MY_LOSS.format(name="My,loss[x"), "use lower case, digits and single hyphens"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero (broken.py:1)"),
        (MY_LOSS.format(name="x").replace('    """A smooth L1."""\n', ""), "must have a docstring"),
        (MY_LOSS.format(name="x").replace("def __call__", "def call"), "must define __call__"),
        (MY_LOSS.format(name="x").replace("float = 1e-3", "float"), "must give a default to epsilon"),
        (
            MY_LOSS.format(name="x").replace("ReconstructionLoss", "Metric"),
            "must set family, as all plugins of",
        ),
        (MY_LOSS.format(name="x").replace("ReconstructionLoss", "Networks"), "must set latent, as all plugins of the"),
        (MY_LOSS.format(name="x").replace("epsilon: float", "epsilon: 'Nowhere'"), "name 'Nowhere' is not defined"),
        (MY_LOSS.format(name="x").replace("ReconstructionLoss", "Plugin"), "must derive from the base class of a kind"),
        (MY_LOSS.format(name="x").replace("epsilon:", "scale:"), "has a field scale, which every reconstruction loss"),
        (
            MY_LOSS.format(name="x").replace("float = 1e-3", "tuple = ()"),
            "a field epsilon of a type that selectors cannot write",
        ),
        (
            MY_LOSS.format(name="x")
            .replace("(ReconstructionLoss)", "(Gaussian)")
            .replace(
                "from vaegan_bench.api",
                "from vaegan_bench.losses.reconstruction.gaussian import Gaussian\nfrom vaegan_bench.api",
            ),
            "derives from another plugin",
        ),
        (
            FIELD.replace("float = 1e-3", "float = field(init=False, default=1e-3)"),
            "a field epsilon that no selector can set: remove init=False.",
        ),
        (
            FIELD.replace("= 1e-3", "= field(default_factory=lambda: 1 / 0)"),
            "a field whose default cannot be made: ZeroDivisionError: division by zero (broken.py:10).",
        ),
        (MY_LOSS.format(name="x").replace('"""A smooth L1."""', "__doc__ = 5"), "must have a docstring"),
        (
            MY_LOSS.format(name="x").replace("    epsilon", "    density = 'no'\n    epsilon"),
            "not True or False: change",
        ),
        (
            MY_LOSS.format(name="x").replace("    epsilon", "    scale = 3\n    epsilon"),
            "a scale that is not 'fixed' or",
        ),
        (METRIC.format(variable="headline = 5"), "a headline that is not a mapping of text to text: change it."),
        (METRIC.format(variable="headline = {5: 'x'}"), "a headline that is not a mapping of text to text"),
        (METRIC.format(variable="known_as = {'x': 3}"), "a known_as that is not a mapping of text to text"),
        (METRIC.format(variable="family = None"), "a family that is not text"),
        (METRIC.format(variable="uses_samples = 'no'"), "a uses_samples that is not True or False"),
        (
            MY_LOSS.format(name="x")
            .replace("ReconstructionLoss", "Model")
            .replace("e-3", "e-3\n    players = {'a': 'b'}"),
            "a players that is not a mapping of text to a tuple of text",
        ),
        (NO_MESSAGE, "cannot be imported: Wordless: its message cannot be read, because of KeyError (broken.py:"),
        (MY_LOSS.format(name="x").replace("@hookimpl\n", ""), "has no hook"),
        (MY_LOSS.format(name="x").replace("_plugins()", "_plugin()"), "unknown hook 'vaegan_bench_plugin'"),
        (MY_LOSS.format(name="x").replace("_plugins()", "_plugins(registry)"), "can not be found in the hookspec"),
        (MY_LOSS.format(name="x").replace("[Charbonnier]", "Charbonnier"), "must return a list of classes"),
    ],
)
def test_a_broken_file_is_told_what_to_change(tmp_path: Path, source: str, message: str) -> None:
    file = tmp_path / "broken.py"
    file.write_text(source)
    with pytest.raises(PluginError) as raised:
        Registry([file])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


STUDIES = """
from pathlib import Path
from vaegan_bench.api import hookimpl


@hookimpl
def vaegan_bench_studies():
    return [Path(__file__).with_name("codes.toml")]
"""


def test_a_study_of_a_plugin_has_a_name_and_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(STUDIES)
    (tmp_path / "codes.toml").write_text('description = "Which codes?"\nsteps = 7\nmodels = ["vae"]\n')
    registry = Registry([tmp_path / "mine.py"])
    study = load_study("codes", registry.studies)
    assert (study.name, study.steps, study.models) == ("codes", 7, ("vae",))
    assert load_study("quick", registry.studies) == load_study("quick")
    listed = bench("plugins", "--plugin", tmp_path / "mine.py", width=300).stdout
    assert any("mine.py" in line and "study codes" in line for line in listed.splitlines())
    assert "life-cycle hooks" not in listed.partition("mine.py")[2].partition("\n")[0]
    with pytest.raises(UnknownNameError, match="Did you mean 'codes'"):
        load_study("code", registry.studies)
    with pytest.raises(UnknownNameError, match="Unknown study 'codes'"):
        load_study("codes", Registry().studies)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("codes.toml", "quick.toml", r"Two studies are called 'quick': .*packaged/quick\.toml and .*mine0/quick\.toml"),
        (
            '[Path(__file__).with_name("codes.toml")]',
            '["codes.toml"]',
            r"paths of TOML files, not 'codes\.toml'",
        ),
        ("codes.toml", "codes.json", "return paths of TOML files, not "),
        ('[Path(__file__).with_name("codes.toml")]', '"codes.toml"', "must return a list of paths, not"),
        ("    return", "    1 / 0\n    return", "vaegan_bench_studies of .* failed: ZeroDivisionError"),
    ],
)
def test_a_wrong_list_of_studies_is_told(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    file = tmp_path / "mine0" / "mine.py"
    file.parent.mkdir()
    file.write_text(STUDIES.replace(right, wrong))
    with pytest.raises(PluginError, match=message) as raised:
        Registry([file])
    assert "\n" not in str(raised.value)


def test_a_study_that_is_not_there_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(STUDIES)
    studies = Registry([tmp_path / "mine.py"]).studies
    with pytest.raises(StudyError, match=r"Cannot read the study file .*codes\.toml"):
        load_study("codes", studies)


def test_a_file_that_is_not_in_a_list_is_told(tmp_path: Path) -> None:
    for use in (Registry, partial(vb.run, "smoke"), partial(vb.load, tmp_path)):
        with pytest.raises(PluginError, match=r"plugins is a list of files and modules: write plugins=\['loss.py'\]"):
            use(plugins="loss.py")


@pytest.mark.parametrize("content", ['modells = ["vae"]', "steps = 0", "steps =", "[fields]\nvae = 1"])
def test_a_broken_study_of_a_plugin_is_listed_as_such_beside_the_others(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.py").write_text(STUDIES)
    (tmp_path / "codes.toml").write_text(content)
    done = bench("list", "studies", "--plugin", tmp_path / "mine.py")
    assert done.returncode == 0, done.stderr
    assert "broken: " in done.stdout
    assert all(name in done.stdout for name in ("codes", "quick", "standard"))


def test_one_file_given_twice_is_told(tmp_path: Path) -> None:
    file = tmp_path / "twice.py"
    file.write_text(MY_LOSS.format(name="x"))
    with pytest.raises(PluginError, match=r"twice\.py is registered twice"):
        Registry([file, file])


def test_one_package_may_have_several_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "both-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: both\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vaegan_bench]\none = first_of_both\nother = second_of_both\n")
    for module, name in (("first_of_both", "one-loss"), ("second_of_both", "other-loss")):
        (tmp_path / f"{module}.py").write_text(MY_LOSS.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)
    found = Registry()
    assert found.broken == {}
    assert {"one-loss", "other-loss"} <= set(found.of_kind("reconstruction loss"))


def test_every_built_in_plugin_explains_itself(registry: Registry) -> None:
    for (kind, name), entry in registry.entries.items():
        assert summary_line(entry.plugin).endswith("."), (kind, name)


def test_a_definition_of_another_version_is_refused_in_words(registry: Registry) -> None:
    known = definition(registry.build(Model, "vae"))
    with pytest.raises(SelectorError, match=r"Prior loss 'kl' has other fields than its record: .*'beta'"):
        registry.restore(Model, {**known, "prior": {**known["prior"], "beta": 1.0}})


@pytest.mark.parametrize(
    ("kind", "selector", "package"),
    [
        (Model, "vqgan", "tokenizers"),
        (Networks, "projected[width=3]", "tokenizers"),
        (Model, "vae[reconstruction=ssim]", "perceptual"),
    ],
)
def test_a_name_of_a_package_beside_the_core_says_what_to_install(
    registry: Registry, kind: type[Plugin], selector: str, package: str
) -> None:
    with pytest.raises(UnknownNameError, match=rf"not installed.*`pip install \./plugins/vaegan-bench-{package}`"):
        registry.build(kind, selector)
    with pytest.raises(UnknownNameError, match=r"Unknown metric 'ssim'\. .*Known"):  # another kind has this name
        registry.build(Metric, "ssim")


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (("run", "tokenizers"), "tokenizers"),
        (("show", "ssim"), "perceptual"),
        (("check", "vaegan-bench-rivals"), "rivals"),
        (("run", "--fields", "wgan-gp[gamma=3]"), "rivals"),
    ],
)
def test_commands_say_which_package_has_a_name(tmp_path: Path, arguments: tuple[str, ...], package: str) -> None:
    run = bench(*arguments, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert f"pip install ./plugins/vaegan-bench-{package}" in run.stderr


def test_the_packages_beside_the_core_bring_what_their_error_says(registry: Registry) -> None:
    for module in sorted(path.name for path in PLUGINS.glob("*/vaegan_bench_*")):
        installed, package = Registry([module]), module.replace("_", "-")
        found: dict[str, set[str]] = {}
        for kind, name in installed.entries.keys() - registry.entries.keys():
            found.setdefault(kind, set()).add(name)
        if studies := installed.studies.keys() - registry.studies.keys():
            found["study"] = set(studies)
        assert {kind: set(names) for kind, names in COMPANIONS.get(package, {}).items()} == found, package
