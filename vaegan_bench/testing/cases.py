"""All checks of a plugin, as callables: for the command, and for pytest's parametrisation."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import SkipTest

import torch

from vaegan_bench.api import (
    AdversarialLoss,
    BenchError,
    DiscriminatorAugmentation,
    Gate,
    Model,
    Plugin,
    PluginError,
    PriorLoss,
    ReconstructionLoss,
    Regulariser,
    UnknownNameError,
)
from vaegan_bench.models.gan import GAN
from vaegan_bench.models.vae import VAE
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.registry.companions import package_of
from vaegan_bench.registry.plugins import Registry, field_types
from vaegan_bench.registry.selectors import Selector, parse_selector
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.system.paths import user_path
from vaegan_bench.testing import (
    adversarial_losses,
    datasets,
    discriminator_augmentations,
    engines,
    extractors,
    metrics,
    models,
    networks,
    optimisation,
    penalties_and_gates,
    prior_losses,
    quantisers,
    reconstruction_losses,
    samplers,
)
from vaegan_bench.testing.verdicts import ConformanceError

CHECKED = (
    models,
    reconstruction_losses,
    prior_losses,
    adversarial_losses,
    penalties_and_gates,
    discriminator_augmentations,
    networks,
    quantisers,
    optimisation,
    datasets,
    metrics,
    extractors,
    samplers,
    engines,
)
"""The modules with the checks of each kind."""


@dataclass(frozen=True)
class Case:
    """One check of one plugin; its text is a name fit for pytest's `ids`."""

    plugin: Plugin
    check: Callable[[Any], None]

    def __str__(self) -> str:
        return f"{self.plugin.kind}-{self.plugin.name}-{self.check.__name__}".replace(" ", "-")

    @property
    def title(self) -> str:
        """The first line of the check's docstring."""
        return (inspect.getdoc(self.check) or "").partition("\n")[0]

    def __call__(self) -> None:
        """Run the check.

        Raises `ConformanceError` with what to change, and `unittest.SkipTest` where files that it needs are missing.
        """
        try:
            with torch.random.fork_rng(devices=[]):  # one plugin's stray draws must not change the next check
                self.check(self.plugin)
        except SkipTest:
            raise
        except BenchError as error:
            raise ConformanceError(f"{self.plugin.kind.capitalize()} '{self.plugin}': {error}") from error.__cause__
        except FAILURES as error:
            raised = f"raises {reason_of(error)} in the check '{self.check.__name__}'"
            raise ConformanceError(f"{self.plugin.kind.capitalize()} '{self.plugin}': {raised}.") from error


def cases(target: str | Path = "all", plugins: Iterable[str | Path] = ()) -> list[Case]:
    """Every check of every plugin that `target` names.

    A target is a plugin file or module, the name of an installed package, the name of a plugin, or 'all': these have
    their defaults. Or it is one plugin with other fields: 'oracle[images=640]'. `plugins` are files and modules in
    which it is searched, too. Raises `BenchError` for a target that cannot be found.
    """
    return [Case(plugin, check) for plugin in targets(target, plugins) for check in checks_of(plugin)]


def targets(target: str | Path, plugins: Iterable[str | Path] = ()) -> list[Plugin]:
    """The plugins that a target names. Raises `BenchError` as `cases` does."""
    registry = Registry(plugins)
    text = registry.modules.get(str(target), str(target))
    if "[" in text and not user_path(target).exists():
        return described_plugins(parse_selector(text), registry)
    named = {name for entry in registry.entries.values() for name in (entry.origin, entry.plugin.name)}
    if text not in (known := {"all", *registry.installed, *named}):
        _check_can_be_imported(text, registry, known)
        registry = Registry([*plugins, target])
    return [e.plugin() for e in registry.entries.values() if text in ("all", e.origin, e.plugin.name)]


def _check_can_be_imported(text: str, registry: Registry, known: Collection[str]) -> None:
    """Raise `BenchError` for a target that is neither a plugin file nor a module."""
    path = user_path(text)
    if text in registry.broken:
        raise PluginError(f"{text} is broken: {registry.broken[text]}")
    if path.is_file() or _looks_like_a_module(text):
        return
    if path.is_dir():
        install = f"pip install -e {shlex.quote(text)}"
        raise PluginError(f"{text} is a folder: name a plugin file, or install the package: {install}")
    raise UnknownNameError("target", text, known, package_of(text))


def described_plugins(selector: Selector, registry: Registry) -> list[Plugin]:
    """The plugins that a selector describes; where kinds share its name, those that have its fields.

    Raises `BenchError` where there is none, or a value does not fit.
    """
    named = [entry.plugin for entry in registry.entries.values() if entry.plugin.name == selector.name]
    if not named:
        known = {entry.plugin.name for entry in registry.entries.values()}
        raise UnknownNameError("plugin", selector.name, known, package_of(selector.name))
    fitting = [plugin for plugin in named if selector.fields.keys() <= field_types(plugin).keys()]
    return [registry.build(plugin, selector) for plugin in fitting or named]


def _looks_like_a_module(text: str) -> bool:
    """Whether a text is a file's name, a module's that can be imported, or a dotted one, which says what it is."""
    from importlib.util import find_spec

    if "." in text:
        return text.endswith(".py") or all(part.isidentifier() for part in text.split("."))
    spec = find_spec(text) if text.isidentifier() else None
    return spec is not None and spec.origin is not None  # a mere folder has no origin


def checks_of(plugin: Plugin) -> Iterator[Callable[[Any], None]]:
    """The checks of a plugin's kind, and for a term of games the check that a model trains with it."""
    for module in CHECKED:
        for kind, checks in module.CHECKS.items():
            if isinstance(plugin, kind):
                yield from checks
    if hosts_of(plugin):
        yield a_model_trains_with_it


def hosts_of(plugin: Plugin) -> list[Model]:
    """Small built-in models that use a term; [] for plugins of other kinds."""
    if isinstance(plugin, ReconstructionLoss):
        return [VAE(reconstruction=plugin), *([] if plugin.pixels_only else [VAEGAN(similarity=plugin)])]
    if isinstance(plugin, PriorLoss):
        return [VAE(prior=plugin)]
    if isinstance(plugin, AdversarialLoss):
        return [GAN(adversarial=plugin), VAEGAN(adversarial=plugin)]
    if isinstance(plugin, DiscriminatorAugmentation):
        return [GAN(augmentation=plugin), VAEGAN(augmentation=plugin)]
    if isinstance(plugin, Regulariser):
        return [GAN(regulariser=plugin)]
    return [GAN(gate=plugin)] if isinstance(plugin, Gate) else []


def a_model_trains_with_it(plugin: Plugin) -> None:
    """A built-in model that has such a term trains with it, and its gradients reach every player."""
    for model in hosts_of(plugin):
        models.gradients_reach_their_player(model)
        models.trains_everywhere(model)
