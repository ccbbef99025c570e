"""docs/referee.md: its tables are what restated steps leave in each gradient, its quotes are what checks say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from documents import section
from games_as_written import AUTOENCODER, WRITTEN, Gradients, Written, dcgan_vae, terms_of, zoo
from plugins_as_written import FOUND
from referee_page import PAGE, coefficients, quoted
from referee_page import PUBLISHED as AS_PUBLISHED
from referee_page import WRITTEN as AS_WRITTEN
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

from vaegan_bench.api import Plugin
from vaegan_bench.models.vaegan import VAEGAN
from vaegan_bench.testing import Case, ConformanceError
from vaegan_bench.testing.coefficients import flat, regress
from vaegan_bench.testing.small_game import SmallGame, gradients

HEADINGS = [case.heading for case in WRITTEN]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("mended", [False, True], ids=["written", "published"])
@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case.train.__name__)
def test_each_table_is_what_the_steps_leave(case: Written, mended: bool) -> None:
    small_game = SmallGame(VAEGAN())
    play = small_game.play()
    terms, at = terms_of(play), Gradients(small_game.modules)
    at.symbols = {"B": float(len(play.x_BCHW)), "P": float(play.x_BCHW[0].numel())}
    case.train(at, terms, mended)
    stated = coefficients(case.heading, AS_PUBLISHED if mended else AS_WRITTEN, at.symbols)
    assert set(at.moves) <= set(stated)
    for (player, when), shown in stated.items():
        weights = at.weights(*(AUTOENCODER if player == "autoencoder" else (player,)))
        basis = {name: flat(gradients(terms[name], weights), weights) for name in case.terms}
        found = regress(at.moves.get((player, when), torch.zeros_like(next(iter(basis.values())))), basis)
        expected = dict.fromkeys(case.terms, 0.0) | shown
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-8), (player, when)


@pytest.mark.parametrize(("plugin", "check", "words"), FOUND, ids=lambda value: getattr(value, "name", ""))
def test_a_check_finds_it_and_the_page_quotes_what_it_says(
    plugin: Plugin, check: Callable[[Any], None], words: str
) -> None:
    with pytest.raises(ConformanceError) as error:
        Case(plugin, check)()
    assert words in str(error.value)
    quotes = [quote for heading in HEADINGS for quote in quoted(heading)]
    assert any(quote in str(error.value) and words in quote for quote in quotes), str(error.value)


def test_every_quote_of_the_page_is_among_them() -> None:
    for quote in (quote for heading in HEADINGS for quote in quoted(heading)):
        assert any(words in quote for _, _, words in FOUND), quote


def test_an_exchanged_cross_entropy_pulls_regardless_of_the_prediction() -> None:
    """From logits the slope is −y and the cost has no minimum; from probabilities it is −logit y."""
    pixel = torch.tensor([0.1, 0.5, 0.8])
    for guess in (-3.0, 0.2, 5.0):
        logit = torch.full((3,), guess, requires_grad=True)
        (slope,) = torch.autograd.grad(binary_cross_entropy_with_logits(pixel, logit, reduction="sum"), logit)
        torch.testing.assert_close(slope, -pixel)
        probability = torch.full((3,), guess).sigmoid().requires_grad_()
        (slope,) = torch.autograd.grad(binary_cross_entropy(pixel, probability, reduction="sum"), probability)
        torch.testing.assert_close(slope, -pixel.logit())
    far = [float(binary_cross_entropy_with_logits(pixel, torch.full((3,), logit))) for logit in (1.0, 1e3, 1e6)]
    assert far[0] > 0 > -1e2 > far[1] > -1e5 > far[2]


def test_an_exchanged_cross_entropy_has_infinite_slopes_where_images_are_black_or_white() -> None:
    probability = torch.tensor([0.3, 0.3], requires_grad=True)
    cost = binary_cross_entropy(torch.tensor([0.0, 1.0]), probability, reduction="sum")
    assert cost.isfinite()
    (slope,) = torch.autograd.grad(cost, probability)
    assert slope.tolist() == [float("inf"), -float("inf")]


@pytest.mark.parametrize(
    ("train", "batch", "values"), [(zoo, 128, 28 * 28), (dcgan_vae, 64, 3 * 64 * 64)], ids=["zoo", "dcgan_vae"]
)
def test_the_coefficient_of_the_prior_that_a_section_derives(
    train: Callable[..., None], batch: int, values: int
) -> None:
    """B · KL + 2/P · reconstruction is a multiple of KL · BP/2 + reconstruction."""
    (heading,) = [case.heading for case in WRITTEN if case.train is train]
    assert f" {batch * values // 2:,} for " in " ".join(section(PAGE, heading).split())


def test_torch_refuses_to_go_backward_through_weights_that_have_moved() -> None:
    """Why steps move to the end of an iteration, behind all calls of backward."""
    first, second = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    loss = (first * second).sum()
    loss.backward(retain_graph=True)
    torch.optim.SGD([second], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
