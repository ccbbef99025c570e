"""What every extractor with published weights owes to a user who does not have them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import pytest
import torch

from vaegan_bench.api import Extractor, ExtractorError, FeatureNetwork
from vaegan_bench.metrics.extractors.published_extractor import PublishedExtractor
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights, known_file
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.system.vision import load_torch_fidelity

Opened = Callable[[Extractor], FeatureNetwork]
REGISTRY = Registry()
NAMES = sorted(set(REGISTRY.of_kind("extractor")) - {"efflite0", "native", "oracle", "regressor"})
TINY = PublishedWeights(extractor="tiny", url="https://example.org/tiny.pt", sha256="", file="tiny.pt")


def extractor(name: str, weights: Path | None = None) -> Extractor:
    return REGISTRY.build(Extractor, name if weights is None else f"{name}[weights={weights}]")


def refused(opened: Opened, wanted: Extractor) -> str:
    with pytest.raises(ExtractorError) as caught:
        opened(wanted)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_torch_fidelitys_extractors_are_all_here_under_their_names() -> None:
    theirs = set(load_torch_fidelity().registry.FEATURE_EXTRACTORS_REGISTRY)
    assert theirs - set(NAMES) <= {"inception-v3-compat", "identity"}


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_class_of_its_own_that_pickles(name: str) -> None:
    wanted = extractor(name, Path("/some/file"))
    assert type(wanted).__mro__[1] is (Extractor if name == "inception" else PublishedExtractor)
    assert str(wanted) == f"{name}[weights=/some/file]"
    assert pickle.loads(pickle.dumps(wanted)) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_offline_one_line_says_what_goes_where(name: str, opened: Opened, offline: Path) -> None:
    message = refused(opened, extractor(name))
    assert f"'{name}' could not be fetched (<urlopen error no network>): put https://" in message
    assert f" at {offline}/" in message
    assert "efflite0" in message


@pytest.mark.parametrize("name", NAMES)
def test_a_given_file_that_is_not_there_is_named(name: str, opened: Opened, tmp_path: Path) -> None:
    assert f"not at {tmp_path}/nowhere.pt: put https://" in refused(opened, extractor(name, tmp_path / "nowhere.pt"))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_other_content_is_refused(name: str, opened: Opened, tmp_path: Path) -> None:
    torch.save({"some": torch.zeros(1)}, tmp_path / "other.pt")
    message = refused(opened, extractor(name, tmp_path / "other.pt"))
    assert f"{tmp_path}/other.pt does not hold " in message
    assert f"weights of '{name}'" in message


def test_a_damaged_file_in_torch_hubs_folder_is_to_be_removed(opened: Opened, offline: Path) -> None:
    offline.mkdir()
    (offline / "vgg16-397923af.pth").write_bytes(b"half a download")
    assert "damaged, remove it" in refused(opened, extractor("vgg16"))


def test_what_was_fetched_is_reported_and_kept(monkeypatch: pytest.MonkeyPatch, offline: Path) -> None:
    def write(url: str, path: str, prefix: str | None, progress: bool) -> None:
        Path(path).write_text(url)

    monkeypatch.setattr(torch.hub, "download_url_to_file", write)
    seen: list[tuple[Any, ...]] = []
    found = known_file(TINY, None, lambda description, done, total: seen.append((description, done, total)))
    assert found.path.read_text() == TINY.url
    assert seen == [("fetching tiny.pt", 0, 1), ("fetching tiny.pt", 1, 1)]
    seen.clear()
    assert known_file(TINY, None, lambda *report: seen.append(report)) == found
    assert seen == []


def test_a_download_that_breaks_off_is_named(monkeypatch: pytest.MonkeyPatch, offline: Path) -> None:
    def break_off(*args: Any, **kwargs: Any) -> None:
        raise IncompleteRead(b"half")

    monkeypatch.setattr(torch.hub, "download_url_to_file", break_off)
    with pytest.raises(ExtractorError, match="could not be fetched"):
        known_file(TINY, None)
