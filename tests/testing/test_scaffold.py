"""`vaegan-bench new`: what it writes works as it stands, as a file and as a package."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from shell import bench

import vaegan_bench as vb
from vaegan_bench.api import Dataset, StoreError, StudyError, UnknownNameError
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import cases
from vaegan_bench.testing.scaffold import KINDS, write_plugin

LISTENER = "from vaegan_bench.api import hookimpl\n\n@hookimpl\ndef study_ended(name: str) -> None:\n    pass\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_file_keeps_the_contract_under_its_own_name(kind: str, tmp_path: Path) -> None:
    plugin, _ = write_plugin(kind, f"odd_{kind}", tmp_path, package=False)
    found = cases(plugin)
    assert {case.plugin.name for case in found} == {f"odd-{kind}"}
    assert type(found[0].plugin).__name__ == f"Odd{kind.capitalize()}"
    for case in found:
        case()


def test_the_digest_of_a_new_data_set_is_not_that_of_its_pixels_alone(tmp_path: Path) -> None:
    plugin, _ = write_plugin("dataset", "odd_dataset", tmp_path, package=False)
    data = Registry([plugin]).build(Dataset, "odd-dataset").load(32, tmp_path)
    pixels = torch.cat([data.train.images_NCHW, data.test.images_NCHW]).numpy().tobytes()
    assert data.digest != hashlib.sha256(pixels).hexdigest()


def test_one_of_each_from_outside_meets_in_one_study(tmp_path: Path) -> None:
    files = [write_plugin(kind, f"my_{kind}", tmp_path, package=False)[0] for kind in KINDS]
    results = vb.run(
        "smoke", models=["my-model[reconstruction=my-loss]", "vae"], datasets=["my-dataset"], networks="my-networks",
        metrics=["my-metric", "frechet[extractor=my-extractor]"], steps=3, samples=32, seeds=1,
        results=tmp_path, cache=tmp_path, plugins=files,
    )  # fmt: skip
    rows = results.rows
    assert set(rows["model"]) == {"my-model[reconstruction=my-loss]", "vae"}
    assert {"my-metric", "frechet[my-extractor]"} <= set(rows["metric"])
    assert set(rows["dataset"]) == {"my-dataset 32×32"}


def test_a_new_loss_is_short() -> None:
    from importlib.resources import files

    assert len((files("vaegan_bench.testing") / "templates" / "loss.py").read_text("utf-8").splitlines()) <= 25


def test_the_test_that_is_written_passes_by_pytest(tmp_path: Path) -> None:
    _, test = write_plugin("loss", "odd_loss", tmp_path, package=False)
    keeps_the_contract_by_pytest(test, tmp_path)


def test_the_test_of_a_package_passes_before_it_is_installed(tmp_path: Path) -> None:
    *_, test = write_plugin("loss", "odd_loss", tmp_path, package=True)
    keeps_the_contract_by_pytest(test, tmp_path / "odd-loss")
    is_collected_by_pytest(test, tmp_path)


def keeps_the_contract_by_pytest(test: Path, folder: Path) -> None:
    assert "8 passed" in pytest_says(folder, test)


def is_collected_by_pytest(test: Path, folder: Path, site: str = "") -> None:
    """All that can differ between working folders, or once a package is installed, is what the test imports."""
    assert "8 tests collected" in pytest_says(folder, "--collect-only", test, site=site)


def pytest_says(folder: Path, *arguments: str | Path, site: str = "") -> str:
    command = [Path(sys.executable).with_name("pytest"), "-q", "-p", "no:cacheprovider", *arguments]
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), site])
    variables = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_the_next_commands_can_be_pasted(tmp_path: Path) -> None:
    place = tmp_path / "my plugins"
    package = bench("new", "loss", "odd_loss", "--package", "--folder", place).stdout
    assert (
        f"pip install -e '{place}/odd-loss', then vaegan-bench check odd-loss, and pytest '{place}/odd-loss'\n"
        in package
    )
    file = bench("new", "metric", "odd_metric", "--folder", place).stdout
    assert f"vaegan-bench check '{place}/odd_metric.py', and pytest '{place}/test_odd_metric.py'\n" in file
    refused = bench("check", place / "odd-loss")
    assert f"pip install -e '{place}/odd-loss'" in refused.stderr


def test_a_package_is_found_by_its_entry_point_once_installed(tmp_path: Path) -> None:
    *_, test = write_plugin("loss", "odd_loss", tmp_path, package=True)
    source, site = tmp_path / "odd-loss", tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(source)]
    subprocess.run(pip, check=True, capture_output=True)
    add_package(site, "broken_plugin", "import nowhere_to_be_found")
    add_package(site, "quiet_plugin", LISTENER)
    checks = [("check", target, "--plugin", "odd_loss") for target in ("odd-loss", "odd_loss")]
    named = ("plugins", "--plugin", "odd_loss")
    quiet = ("check", "quiet-plugin")
    listed, again, losses, silent, *checked = shell(site, ("plugins",), named, ("list", "losses"), quiet, *checks)
    assert "odd-loss" in listed
    assert "reconstruction loss odd-loss" in listed
    assert "broken: broken-plugin: ModuleNotFoundError: No module named 'nowhere_to_be_found'" in listed
    assert again == listed  # the module is in the line of its package
    assert "odd-loss" in losses
    assert all("8 of 8 checks passed" in text for text in checked)
    assert "quiet-plugin brings no plugins, only hooks or studies" in silent
    is_collected_by_pytest(test, source, str(site))


def add_package(site: Path, module: str, code: str) -> None:
    """Put a package of one module, with its entry point, where installed packages are."""
    (site / f"{module}.py").write_text(code)
    metadata, name = site / f"{module}-1.0.dist-info", module.replace("_", "-")
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[vaegan_bench]\n{name} = {module}\n")


def shell(site: Path, *commands: tuple[str, ...]) -> list[str]:
    """What each command prints, all run by one process that imports packages from `site`, too."""
    program = f"""
import sys
sys.path.insert(0, {str(site)!r})
from vaegan_bench.cli import main
for command in {commands!r}:
    sys.argv = ["vaegan-bench", *command]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, command
    print("END", flush=True)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split("END\n")[: len(commands)]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'loss'"):
        write_plugin("los", "x", tmp_path, package=False)
    for name in ("My-Loss", "3d", "class", "my__loss", "_mine", "mine_", "größe"):
        with pytest.raises(StudyError, match="cannot be a module's name"):
            write_plugin("loss", name, tmp_path, package=False)
    for kind, name in (("dataset", "split"), ("metric", "measurement"), ("networks", "judge"), ("extractor", "pooled")):
        with pytest.raises(StudyError, match=f"class {name.capitalize()} would hide another .* a name like my_{name}"):
            write_plugin(kind, name, tmp_path, package=False)
    with pytest.raises(StudyError, match="class None would hide"):
        write_plugin("loss", "none", tmp_path, package=True)
    with pytest.raises(StudyError, match="a Python module torch already"):
        write_plugin("loss", "torch", tmp_path, package=False)
    with pytest.raises(StudyError, match="a plugin gaussian-learned already"):
        write_plugin("loss", "gaussian_learned", tmp_path, package=False)
    write_plugin("loss", "my_plugin", tmp_path, package=False)
    write_plugin("loss", "twice", tmp_path, package=False)
    with pytest.raises(StoreError, match=r"twice\.py is there already"):
        write_plugin("loss", "twice", tmp_path, package=False)


def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    limited = (
        f"ulimit -f 0; exec {shlex.quote(sys.executable)} -c 'from vaegan_bench.cli import main; main()' new loss mine"
    )
    ran = subprocess.run(limited, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, "Error: Cannot write mine.py: File too large.\n")
    assert list(tmp_path.iterdir()) == []
