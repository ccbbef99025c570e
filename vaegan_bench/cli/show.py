"""`vaegan-bench show`: one plugin with its fields, and the game of a model; or a study as its file has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.cli.options import PluginFiles
from vaegan_bench.cli.terminal import say, table, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from vaegan_bench.api import Model, Plugin
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.study.term_weights import TermWeight


def show(
    selector: Annotated[
        str, typer.Argument(help="A plugin by selector, such as vaegan[gamma=1e-4], or a study by name, such as quick.")
    ],
    plugin: PluginFiles = None,
) -> None:
    """Show one plugin: what it is, its fields, and for a model the game that it states; or a study, as its file has it.

    Examples: `vaegan-bench show vaegan`, `vaegan-bench show "gan[adversarial=hinge]"`, `vaegan-bench show kl`,
    `vaegan-bench show quick`
    """

    from vaegan_bench.api import Model
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.registry.selectors import parse_selector
    from vaegan_bench.study.term_weights import no_terms, split_term_weights
    from vaegan_bench.testing.cases import described_plugins

    registry, console = Registry(plugin or []), terminal()
    if selector in registry.studies:
        say(registry.studies[selector].read_text("utf-8").rstrip())
        return
    plain, weights = split_term_weights(parse_selector(selector))
    found = described_plugins(plain, registry)
    if weights and not any(isinstance(each, Model) for each in found):
        raise no_terms(plain.name, weights)
    for built in found:
        _describe(built, console)
        if isinstance(built, Model):
            _show_game(built, weights, registry, console)


def _describe(plugin: Plugin, console: Console) -> None:
    import inspect

    from vaegan_bench.api.plugin import fields_of

    console.print(f"[bold]{plugin.name}[/bold] ({plugin.kind})")
    console.print(inspect.getdoc(type(plugin)), markup=False)
    for field in fields_of(plugin):
        say(f"  {field.name} = {_value(getattr(plugin, field.name))}")
    say("")


def _value(value: Any) -> str:
    from vaegan_bench.api import Plugin
    from vaegan_bench.api.plugin import selector_text
    from vaegan_bench.registry.discovery import summary_line

    return f"{value}: {summary_line(type(value))}" if isinstance(value, Plugin) else selector_text(value)


def _product(coefficient: float | None, player: str, term: str, factors: list[TermWeight]) -> str:
    """A coefficient with its factors from term weights; '' where the player does not minimise the term."""
    from rich.markup import escape

    if coefficient is None:
        return ""
    return escape(
        " × ".join([f"{coefficient:g}", *(str(factor) for factor in factors if factor.applies_to(player, term))])
    )


def _show_game(model: Model, weights: Mapping[str, str], registry: Registry, console: Console) -> None:
    """Print the coefficients of terms × players, read from the objectives that the model states for a real batch."""
    from vaegan_bench.api import Networks
    from vaegan_bench.study.assembly import stated_game
    from vaegan_bench.study.term_weights import check_targets, read_term_weight

    game = stated_game(model, registry.build(Networks, "compact"), size=32)
    factors = [read_term_weight(target, text, registry) for target, text in weights.items()]
    check_targets(factors, game, model.name)
    made = table("term", *game, title="each player minimises the sum of coefficient × term")
    terms = list(dict.fromkeys(term for coefficients in game.values() for term in coefficients))
    for term in terms:
        made.add_row(term, *(_product(game[player].get(term), player, term, factors) for player in game))
    made.add_section()
    made.add_row("moves the weights of", *(", ".join(model.players[player]) for player in game))
    console.print(made)
    say(f"{model.name}[{terms[0]}.weight=4] multiplies the coefficient of '{terms[0]}' by 4, for every player.")
