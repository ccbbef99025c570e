"""`vaegan-bench check`: whether a plugin keeps the contract of its kind, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vaegan_bench.cli.options import PluginFiles
from vaegan_bench.cli.terminal import say, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from vaegan_bench.api import Plugin
    from vaegan_bench.testing.card import Card


def check(
    target: Annotated[
        str,
        typer.Argument(
            help="A plugin file or module, an installed package, the name of a plugin, with fields if you like "
            "(\"name[field=value]\"), or 'all'."
        ),
    ],
    plugin: PluginFiles = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also list the checks that passed.")] = False,
) -> None:
    """Check plugins against the contract of their kind, and print what they cost; exit code 1 if one breaks it.

    Examples: `vaegan-bench check my_loss.py`, `vaegan-bench check "vaegan[gamma=1]"`, `vaegan-bench check all`
    """
    import os

    from vaegan_bench.api import Model, Networks
    from vaegan_bench.testing.cases import targets

    if target == "all":
        os.environ.setdefault("VAEGAN_BENCH_OFFLINE", "1")  # `all` does not ask for gigabytes of weights
    console, broken = terminal(), 0
    plugins = targets(target, plugin or [])
    if not plugins:
        say(f"{target} brings no plugins, only hooks or studies: there is nothing to check.")
    for found in plugins:
        broken += not _keeps_the_contract(found, console, verbose)
        if target != "all" or isinstance(found, Model | Networks):
            _print_card(found, console)
    if broken:
        say(f"{broken} plugin{'s break' if broken > 1 else ' breaks'} the contract.")
        raise typer.Exit(1)


def _keeps_the_contract(plugin: Plugin, console: Console, verbose: bool) -> bool:
    """Run all checks of one plugin with a spinner and print the result; return whether none failed."""
    from unittest import SkipTest

    from rich.markup import escape

    from vaegan_bench.testing.cases import Case, checks_of
    from vaegan_bench.testing.verdicts import ConformanceError

    passed, failed, skipped = [], [], []
    cases = [Case(plugin, check) for check in checks_of(plugin)]
    named = escape(f"{plugin.kind} {plugin}")
    with console.status(named) as status:
        for done, case in enumerate(cases):
            status.update(f"{named}: {done} of {len(cases)} checks")
            try:
                case()
                passed.append(case.title)
            except SkipTest as reason:
                skipped.append(str(reason))
            except ConformanceError as error:
                failed.append(str(error))
    sign = "✗" if failed else "–" if skipped else "✓"
    counts = f"{len(passed)} of {len(cases)} checks passed" + (f", {len(skipped)} skipped" if skipped else "")
    say(f"{sign} {plugin.kind} {plugin}: {counts}")
    lines = [f"✗ {words}" for words in failed] + [f"– skipped: {reason}" for reason in dict.fromkeys(skipped)]
    for line in lines + ([f"✓ {title}" for title in passed] if verbose else []):
        say(f"    {line}")
    return not failed


def _print_card(plugin: Plugin, console: Console) -> None:
    from vaegan_bench.system.errors import FAILURES
    from vaegan_bench.testing.card import card_of

    try:
        with console.status("measuring what it costs"):
            card = card_of(plugin)
    except FAILURES:  # a plugin that does not train has no card; the checks have said why
        return
    if card is not None:
        say(f"    {_sentence(card)}")


def _sentence(card: Card) -> str:
    roles = " + ".join(f"{role} {count:,}" for role, count in card.parameters.items())
    return (
        f"{card.what}, 64 images of 32×32 per step: {sum(card.parameters.values()):,} parameters ({roles}), "
        f"{card.flops_per_image / 1e6:,.0f} MFLOPs per image, {card.images_per_second:,.0f} images/s here, "
        f"{card.memory_bytes / 2**20:,.0f} MiB"
    )
