"""What a model may do with its networks, and the range of images that it sees."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vaegan_bench.api import Modules, Posterior, Prediction, Split, to_signed, to_uint8
from vaegan_bench.losses.adversarial.hinge import Hinge

X = torch.tensor([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]])[:, None, None, :]
Y, Z = X + 10, X + 20
ATTRIBUTES = torch.tensor([[100.0, 1.0], [200.0, 2.0], [300.0, 3.0]])


class Says(nn.Module):
    """A network that says what it is told."""

    def __init__(self, says: object) -> None:
        super().__init__()
        self.says, self.weight = says, nn.Parameter(torch.zeros(()))

    def forward(self, *given: Tensor) -> object:
        return self.says(*given)  # type: ignore[operator]


def test_every_part_of_a_joint_batch_has_its_own_attributes_in_order() -> None:
    modules = Modules(
        encoder=Says(lambda x, a: (x.flatten(1) + a, x.flatten(1) - a)),
        decoder=Says(lambda z, a: (z + a)[:, None, None, :1]),
        discriminator=Says(lambda x, a: (x.flatten(1)[:, 0] + a[:, 0], x + a[:, None, None, :])),
    ).condition_on(ATTRIBUTES)
    judged = modules.judge(X, Y, Z)
    for said, images in zip(judged, (X, Y, Z), strict=True):
        torch.testing.assert_close(said.logits_B, images[:, 0, 0, 0] + ATTRIBUTES[:, 0])
        torch.testing.assert_close(said.features_BF, images.flatten(1) + ATTRIBUTES)
    decoded = modules.decode(*(codes.flatten(1) for codes in (X, Y)))
    for prediction, codes in zip(decoded, (X, Y), strict=True):
        torch.testing.assert_close(prediction.logits, (codes.flatten(1) + ATTRIBUTES)[:, None, None, :1])
    torch.testing.assert_close(modules.encode(X).mu_BZ, X.flatten(1) + ATTRIBUTES)
    torch.testing.assert_close(modules.critic(Y), Y[:, 0, 0, 0] + ATTRIBUTES[:, 0])


def test_costs_are_averaged_over_verdicts_and_not_the_verdicts() -> None:
    real, fake = torch.tensor([[2.0, -3.0]]), torch.tensor([[-2.0, 0.5]])
    said = {4.0: real, 5.0: fake}
    modules = Modules(discriminator=Says(lambda x: (said[float(x[0, 0, 0, 0])], x)))
    first, second = (modules.judge(torch.full((1, 3, 2, 2), value))[0] for value in said)
    versus = Hinge()(first.verdicts_V, [second.verdicts_V])
    assert versus.discriminator_V.mean().item() == pytest.approx(((0 + 4) + (0 + 1.5)) / 2)  # of means: 1.5 + 0.25
    assert versus.generator_V.mean().item() == pytest.approx(0.75)
    assert first.logits_B.tolist() == [-0.5]
    assert modules.critic(torch.full((1, 3, 2, 2), 5.0)).tolist() == [-0.75]


def test_verdicts_of_one_image_stay_together() -> None:
    modules = Modules(discriminator=Says(lambda x: (x.flatten(1), x)))
    judged = modules.judge(X, Y)
    for said, images in zip(judged, (X, Y), strict=True):
        assert torch.equal(said.verdicts_BP, images.flatten(1))
        assert torch.equal(said.verdicts_V, images.flatten())


def test_given_attributes_belong_to_one_view_of_the_networks() -> None:
    modules = Modules(encoder=Says(lambda x, *a: (x.flatten(1), x.flatten(1) * len(a))))
    conditioned = modules.condition_on(ATTRIBUTES)
    assert conditioned["encoder"] is modules["encoder"]
    assert conditioned.encode(X).logvar_BZ.abs().sum() > 0
    assert modules.encode(X).logvar_BZ.abs().sum() == 0
    assert conditioned.condition_on(None).encode(X).logvar_BZ.abs().sum() == 0


def test_parts_of_unequal_size_are_decoded_and_judged_as_one_batch_and_come_back_in_order() -> None:
    sizes: list[int] = []

    def note(x: Tensor) -> tuple[Tensor, Tensor]:
        sizes.append(len(x))
        return x.flatten(1).sum(1), x

    modules = Modules(decoder=Says(lambda z: z[:, None, None, :1]), discriminator=Says(note))
    assert [len(p.mean) for p in modules.decode(X.flatten(1), Y[:2].flatten(1), Z[:1].flatten(1))] == [3, 2, 1]
    judged = modules.judge(X[:1], Y, Z[:2])
    assert sizes == [6]
    for said, images in zip(judged, (X[:1], Y, Z[:2]), strict=True):
        torch.testing.assert_close(said.logits_B, images.flatten(1).sum(1))
        torch.testing.assert_close(said.features_BF, images.flatten(1))


class Passes(torch.autograd.Function):
    """Notes how many images go forward and backward through it."""

    @staticmethod
    def forward(context: Any, x: Tensor, noted: list[str]) -> Tensor:
        context.noted = noted
        noted.append(f"{len(x)} forward")
        return x.clone()

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        context.noted.append(f"{len(gradients[0])} backward")
        return gradients[0], None


def test_networks_that_treat_images_by_themselves_see_batches_one_by_one() -> None:
    noted: list[str] = []

    def note(x: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        seen = Passes.apply(x, noted)
        return seen.flatten(1).sum(1) + a[:, 0], seen

    modules = Modules(discriminator=Says(note))
    modules.per_image = frozenset({"discriminator"})
    real, fake = X.clone().requires_grad_(), Y[:2].clone().requires_grad_()
    two = modules.condition_on(ATTRIBUTES[:2])
    judged = two.judge(real[:2], fake)
    assert noted == ["2 forward", "2 forward"]
    torch.testing.assert_close(judged[1].logits_B, fake.flatten(1).sum(1) + ATTRIBUTES[:2, 0])
    torch.testing.assert_close(judged[0].features_BF, real[:2].flatten(1))
    judged[1].logits_B.sum().backward()
    assert noted[2:] == ["2 backward"]  # of the fakes alone
    assert real.grad is None


def test_log_variances_are_kept_within_ten_and_have_their_own_gradient_inside() -> None:
    logvar = torch.tensor([[-40.0, -9.5], [9.5, 40.0], [0.0, 10.0]])
    modules = Modules(encoder=Says(lambda x: (torch.zeros(3, 2), logvar)))
    assert modules.encode(X).logvar_BZ.tolist() == [[-10.0, -9.5], [9.5, 10.0], [0.0, 10.0]]
    within = torch.tensor([[0.3, -0.7]], requires_grad=True)
    bounded = Modules(encoder=Says(lambda x: (within, within))).encode(X[:1]).logvar_BZ
    assert torch.autograd.grad(bounded.sum(), within)[0].tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("raw", [-40.0, -3.0, 0.1, 2.0, 40.0])
def test_log_sigma_is_bounded_softly_by_five(raw: float) -> None:
    second = torch.full((3, 1, 1, 1), raw, requires_grad=True)
    modules = Modules(
        decoder=Says(lambda z: torch.cat([z[:, None, None, :1], second], dim=1)), scale=Says(lambda: torch.tensor(raw))
    )
    expected = 5 * math.tanh(raw / 5)
    assert modules.log_sigma is not None
    assert modules.log_sigma.item() == pytest.approx(expected)
    (prediction,) = modules.decode(X.flatten(1))
    assert prediction.log_sigma is not None
    assert prediction.log_sigma.flatten().tolist() == pytest.approx([expected] * 3)
    (slope,) = torch.autograd.grad(prediction.log_sigma.sum(), second)
    assert slope.flatten().tolist() == pytest.approx([1 - math.tanh(raw / 5) ** 2] * 3, abs=1e-6)


def test_an_odd_number_of_channels_is_an_image_and_an_even_one_has_log_sigma_as_its_second_half() -> None:
    raw = torch.randn(2, 6, 1, 1, generator=torch.Generator().manual_seed(0))
    (whole,) = Modules(decoder=Says(lambda z: raw[:, :3])).decode(torch.zeros(2, 1))
    torch.testing.assert_close(whole.mean, raw[:, :3].tanh())
    torch.testing.assert_close(whole.logits, raw[:, :3])
    assert whole.log_sigma is None
    (halved,) = Modules(decoder=Says(lambda z: raw)).decode(torch.zeros(2, 1))
    torch.testing.assert_close(halved.mean, raw[:, :3].tanh())
    torch.testing.assert_close(halved.log_sigma, 5 * (raw[:, 3:] / 5).tanh())


def test_a_learned_log_sigma_goes_with_every_prediction() -> None:
    modules = Modules(decoder=Says(lambda z: z[:, None, None, :1]), scale=Says(lambda: torch.tensor(0.7)))
    expected = pytest.approx(5 * math.tanh(0.14))
    for prediction in modules.decode(X.flatten(1), Y.flatten(1)):
        assert isinstance(prediction, Prediction)
        assert prediction.log_sigma.item() == expected
    assert Modules(decoder=modules["decoder"]).log_sigma is None


def test_codes_are_the_mean_plus_sigma_times_normal_noise() -> None:
    mu, sigma = torch.tensor([2.0, -1.0, 0.0]), torch.tensor([0.5, 3.0, 1e-4])
    posterior = Posterior(mu.expand(20_000, 3), (2 * sigma.log()).expand(20_000, 3))
    codes = posterior.sample(torch.Generator().manual_seed(5))
    torch.testing.assert_close(codes.mean(0), mu, rtol=0.03, atol=0.03)
    torch.testing.assert_close(codes.std(0), sigma, rtol=0.03, atol=0)
    standardised = (codes - mu) / sigma
    assert standardised.pow(4).mean().item() == pytest.approx(3, abs=0.1)  # a normal's fourth moment
    assert standardised.T.corrcoef().triu(1).abs().max() < 0.03
    again = posterior.sample(torch.Generator().manual_seed(5))
    assert torch.equal(codes, again)
    assert not torch.equal(codes, posterior.sample(torch.Generator().manual_seed(6)))


def test_codes_are_differentiable_in_mean_and_log_variance() -> None:
    mu, logvar = torch.tensor([[0.3, -1.0]], requires_grad=True), torch.tensor([[0.5, -2.0]], requires_grad=True)
    code = Posterior(mu, logvar).sample(torch.Generator().manual_seed(1))
    to_mu, to_logvar = torch.autograd.grad(code.sum(), [mu, logvar])
    assert to_mu.tolist() == [[1.0, 1.0]]
    torch.testing.assert_close(to_logvar, (0.5 * (code - mu)).detach())  # d(σε)/d log σ² = ½σε


def test_all_256_levels_go_to_signed_values_and_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    signed = to_signed(levels)
    assert signed.dtype == torch.float32
    assert signed.tolist() == pytest.approx([2 * level / 255 - 1 for level in range(256)], abs=1e-6)
    assert signed[0].item() == -1
    assert signed[255].item() == 1
    assert torch.equal(to_uint8(signed), levels)
    assert levels[255] == 255  # not in place


def test_levels_are_rounded_to_the_nearest_and_kept_in_range() -> None:
    assert to_uint8(torch.tensor([-3.0, -1.0, 0.0, 1.0, 1.5])).tolist() == [0, 0, 128, 255, 255]
    step = 2 / 255
    assert to_uint8(torch.tensor([-1 + 10.4 * step, -1 + 10.6 * step])).tolist() == [10, 11]
    assert to_uint8(torch.tensor([0.3], dtype=torch.bfloat16)).dtype == torch.uint8
    values = torch.tensor([0.25])
    to_uint8(values)
    assert values.item() == 0.25


def test_attributes_are_seen_as_minus_one_and_one_or_as_their_scores() -> None:
    images, on = torch.zeros(2, 1, 1, 1, dtype=torch.uint8), torch.tensor([[True, False], [False, False]])
    assert Split(images, on).conditions.tolist() == [[1.0, -1.0], [-1.0, -1.0]]
    scores = torch.tensor([[0.3, -2.0], [-0.1, -5.0]])
    assert Split(images, on, None, scores).conditions is scores
    assert Split(images, on, None, scores)[1:].conditions.tolist() == [scores[1].tolist()]
