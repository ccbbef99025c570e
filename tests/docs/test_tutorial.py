"""The pages for plugin authors do what they say: every command, every file, every sentence that they quote."""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from documents import Example, blocks, carry_out, column, section, signature, text
from small_studies import tables_alone
from wrong_plugins import WRONG

import vaegan_bench as vb
from vaegan_bench import api
from vaegan_bench.api import Metric, Plugin, PluginError
from vaegan_bench.cli.list import GROUPS
from vaegan_bench.losses.reconstruction.gaussian import Gaussian
from vaegan_bench.models.vae import VAE
from vaegan_bench.registry import hookspecs
from vaegan_bench.registry.lifecycle import Lifecycle
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import Case, ConformanceError, cases, small_run
from vaegan_bench.testing.cases import CHECKED, a_model_trains_with_it, checks_of
from vaegan_bench.testing.small import Blobs

TUTORIAL, INTERFACE = "tutorial-loss.md", "plugin-api.md"
COMMANDS = [block.text for block in blocks(TUTORIAL) if block.language == "sh"]
(FIRST, *_) = [block.text for block in blocks(TUTORIAL) if block.file == "log_cosh.py"]
EXAMPLES = "\n\n".join(block.text for block in blocks(INTERFACE) if block.language == "python")
KINDS: dict[str, type[Plugin]] = {
    base.kind: base
    for _, base in inspect.getmembers(api, inspect.isclass)
    if issubclass(base, Plugin) and base is not Plugin
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Example]]:
    """The tutorial, carried out in an empty folder."""
    folder, before = tmp_path_factory.mktemp("tutorial"), set(sys.modules)
    with tables_alone(), pytest.MonkeyPatch.context() as patch:
        for name, value in {"COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb", "OMP_NUM_THREADS": "1"}.items():
            patch.setenv(name, value)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.chdir(folder)
        done = list(carry_out(TUTORIAL, folder, patch))
    yield done
    for name in set(sys.modules) - before:
        if "log_cosh" in name:
            del sys.modules[name]


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=lambda i: COMMANDS[i].splitlines()[0][:70])
def test_the_tutorial_does_what_it_shows(told: list[Example], number: int) -> None:
    example = told[number]
    assert example.code == example.expected_code, example.output
    assert not example.missing(), example.output


def test_the_way_to_a_row_in_the_table_is_as_short_as_the_tutorial_says() -> None:
    lines = FIRST.strip().splitlines()
    written = [line for line in lines if line.strip()]
    commands = [line for block in COMMANDS for line in block.replace("\\\n", "").strip().splitlines()]
    typed = 1 + next(i for i, command in enumerate(commands) if " run " in command)
    assert (
        "from an empty folder, with **thirteen lines of code** (twenty-one with the empty ones) and **two commands**"
        in (" ".join(section(TUTORIAL, "3. A row in the table").split()))
    )
    assert (len(written), len(lines), typed) == (13, 21, 2)
    assert len(lines) <= 25
    assert typed <= 4


def test_the_package_in_the_tutorial_is_what_new_writes() -> None:
    from vaegan_bench.testing.scaffold import PYPROJECT

    (entry_point,) = [block.text for block in blocks(TUTORIAL) if block.language == "toml"]
    assert entry_point.replace("log_cosh", "my_plugin").replace("log-cosh", "my-plugin") in PYPROJECT


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the blocks of the interface's page make up."""
    file = tmp_path_factory.mktemp("interface") / "interface_examples.py"
    file.write_text(EXAMPLES, "utf-8")
    return file


@pytest.mark.parametrize("name", re.findall(r"^class (\w+)\((?!Codebook)", EXAMPLES, flags=re.MULTILINE))
def test_the_examples_of_the_interface_keep_the_contract(examples: Path, name: str) -> None:
    found = [case for case in cases(examples) if type(case.plugin).__name__ == name]
    assert found
    for case in found:
        case()


def test_the_interface_has_an_example_of_every_kind(examples: Path) -> None:
    assert {case.plugin.kind for case in cases(examples)} == set(KINDS)


def test_the_command_list_shows_every_kind() -> None:
    assert sorted(kind for kinds in GROUPS.values() for kind in kinds) == sorted(KINDS)


def test_the_digest_of_the_data_set_is_not_that_of_its_pixels_alone(examples: Path, tmp_path: Path) -> None:
    data = Registry([examples]).build(api.Dataset, "example-bars").load(32, tmp_path)
    pixels = torch.cat([data.train.images_NCHW, data.test.images_NCHW]).numpy().tobytes()
    assert data.digest != hashlib.sha256(pixels).hexdigest()


def test_the_example_of_an_exhibit_becomes_a_figure(examples: Path, tmp_path: Path) -> None:
    named = re.findall(r"`([\w-]+)\.png`", section(INTERFACE, "Metric"))
    results = vb.run(
        "smoke", models=["vae", "gan"], steps=2, samples=20, draws=1, datasets=["avatars[faces=60]"],
        metrics=["example-contrast"], plugins=[str(examples)], results=tmp_path, cache=tmp_path,
    )  # fmt: skip
    assert named == ["highest-contrast"]
    figure = results.figures()[named[0]]
    assert [text.get_text() for text in figure.texts] == ["samples with the highest contrast", "vae", "gan"]
    assert (results.folder.path / f"{named[0]}.png").is_file()


def test_the_example_of_a_hook_is_called(examples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"metric": "psnr", "value": 11.39, "units": "dB"}]
    Lifecycle(Registry([examples]).manager).call("run_evaluated", run="vae-s0", rows=rows)
    assert capsys.readouterr().out == "vae-s0: psnr = 11.39 dB\n"


def test_the_table_of_hooks_is_that_of_the_code() -> None:
    hooks = [f for _, f in inspect.getmembers(hookspecs, inspect.isfunction) if hasattr(f, "vaegan_bench_spec")]
    in_code = {f"`{hook.__name__}({', '.join(inspect.signature(hook).parameters)})`" for hook in hooks}
    assert set(column(section(INTERFACE, "Hooks"), 0)) == in_code


@pytest.mark.parametrize("kind", KINDS)
def test_the_interface_names_every_method_and_class_variable(kind: str) -> None:
    base, page = KINDS[kind], section(INTERFACE, kind.capitalize())
    stated = {" ".join(found.split()) for found in re.findall(r"^- `(\w+\(self[^`]*)`$", page, flags=re.MULTILINE)}
    methods = [f for name, f in vars(base).items() if inspect.isfunction(f) and (name == "__call__" or name[0] != "_")]
    assert stated == {signature(method) for method in methods}
    for variable in set(vars(base).get("__annotations__", {})) - {"kind"}:
        assert f"`{variable}" in page, variable


def test_the_interface_names_all_outputs_and_all_that_modules_can_do() -> None:
    outputs = " ".join(column(section(INTERFACE, Metric.kind.capitalize()), 0))
    for name in (n for n in vars(api.Outputs) if not n.startswith("_")):
        assert re.search(rf"`{name}[`(]", outputs), name
    for name in (n for n in vars(api.Modules) if not n.startswith("_") and n != "attributes_BA"):
        assert f"`{name}`" in section(INTERFACE, "Model"), name


def test_the_list_of_checks_is_that_of_the_code() -> None:
    items = re.findall(r"^- (.*(?:\n  .*)*)$", section(INTERFACE, "What is checked"), flags=re.MULTILINE)
    listed = [" ".join(item.split()) for item in items]
    checks = [check for module in CHECKED for of_kind in module.CHECKS.values() for check in of_kind]
    assert listed == [first_line(check) for check in [*checks, a_model_trains_with_it]]


def first_line(check: Callable[..., Any]) -> str:
    return (inspect.getdoc(check) or "").partition("\n")[0]


AT_REGISTRATION = {
    "@dataclass(frozen=True, kw_only=True)": "@dataclass",
    '    name = "log-cosh"\n': "",
    '    """Squared error near the target, absolute error far from it (Chen et al., 2018)."""\n': "",
    "__call__": "forward",
    '    name = "log-cosh"': '    name = "log-cosh"\n    width: float',
    'name = "log-cosh"\n': 'name = "log-cosh"\n    known: "Mapping" = None\n',
    "import ReconstructionLoss,": "import Networks as ReconstructionLoss,",
    "@hookimpl\n": "",
    "[LogCosh]": "LogCosh",
    "vaegan_bench_plugins": "vaegan_bench_plugin",
    '"log-cosh"': '"laplace"',
}
"""What to change in the tutorial's first file for each mistake of the first table, in its order."""


def test_the_sentences_at_registration_are_those_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sentences = column(section(INTERFACE, "Frequent mistakes"), 1)[: len(AT_REGISTRATION)]
    for sentence, (right, wrong) in zip(sentences, AT_REGISTRATION.items(), strict=True):
        assert right in FIRST
        Path("log_cosh.py").write_text(FIRST.replace(right, wrong, 1), "utf-8")
        with pytest.raises(PluginError) as error:
            Registry(["log_cosh.py"])
        assert sentence in str(error.value)


@pytest.mark.parametrize("sentence", column(section(INTERFACE, "Frequent mistakes"), 1)[len(AT_REGISTRATION) :])
def test_the_sentences_of_the_checks_are_those_of_the_code(sentence: str) -> None:
    told_of = [plugin for plugin, words in WRONG if words in sentence or sentence in words]
    assert told_of, "no wrong plugin of the conformance tests is told this"
    assert any(sentence in words for plugin in told_of for words in said_of(plugin))


def said_of(plugin: Plugin) -> Iterator[str]:
    for check in checks_of(plugin):
        try:
            Case(plugin, check)()
        except ConformanceError as error:
            yield str(error)


def test_identity_is_as_the_interface_says(tmp_path: Path) -> None:
    run = small_run(VAE())
    same = [small_run(VAE()), small_run(VAE(), label="vae[prior=kl]")]
    assert [other.fingerprint for other in same] == [run.fingerprint] * 2
    assert same[1].id != run.id
    changed = [small_run(VAE(reconstruction=Gaussian(sigma=0.5))), small_run(VAE(), dataset=Blobs(channels=1))]
    changes = {"seed": 1, "size": 64, "split": "validation", "steps": 9, "batch": 8, "ema": 0.9, "device": "cuda"}
    changes["threads"] = 2
    changed += [small_run(VAE(), **{name: value}) for name, value in changes.items()]
    assert len({other.id for other in [run, *changed]}) == len(changed) + 1
    assert code_of_file(tmp_path / "plain.py", FIRST) != code_of_file(tmp_path / "commented.py", FIRST + "# more\n")


def code_of_file(file: Path, source: str) -> object:
    """The digest of a plugin file's code in the definition of a run that uses it."""
    file.write_text(source.replace("log-cosh", "another"), "utf-8")
    model = Registry([file]).build(api.Model, "vae[reconstruction=another]")
    return small_run(model).definition["code"][file.name]


def test_the_pages_link_to_what_is_there() -> None:
    for page in (TUTORIAL, INTERFACE):
        for target in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text(page)):
            assert (Path(__file__).parents[2] / "docs" / target).exists(), target
