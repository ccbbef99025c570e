"""The conformance checks of networks: such as to build each role for 1 and 3 channels, equal for equal seeds."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks, PluginError
from vaegan_bench.testing.passes import (
    BATCH,
    ROLES,
    build_network,
    depends_on_the_image,
    example_input,
    gain_of_attributes,
    outputs,
    passes_are_alike,
    shapes,
)
from vaegan_bench.testing.places import Place, agrees_with_the_cpu
from vaegan_bench.testing.small_game import gradients
from vaegan_bench.testing.verdicts import Checks, ConformanceError, demand, same, unchanged, untouched_randomness

ATTRIBUTES = 3
"""The number of attributes for which conditional networks are built."""


def shapes_are_those_of_the_roles(networks: Networks) -> None:
    """Encoder: two of (B, Z); decoder: (B, heads·C, H, W); discriminator: logits (B,) or (B, P), features (B, …)."""
    for shape in shapes(networks):
        images = (BATCH, *shape)
        wanted = {
            ("encoder", 1): ((BATCH, networks.latent),) * 2,
            ("decoder", 1): (images,),
            ("decoder", 2): ((BATCH, 2 * shape.channels, *shape[1:]),),
        }
        for (role, heads), sizes in wanted.items():
            found = tuple(
                tuple(y.shape)
                for y in outputs(build_network(networks, role, shape, heads), example_input(networks, role, shape))
            )
            demand(found == sizes, f"the {role} with {heads} head(s) gives {found} for {tuple(shape)}, not {sizes}.")
        judged = outputs(
            build_network(networks, "discriminator", shape), example_input(networks, "discriminator", shape)
        )
        demand(
            len(judged) == 2 and judged[0].ndim in (1, 2) and all(len(each) == BATCH for each in judged),
            f"the discriminator gives {[tuple(y.shape) for y in judged]} for {tuple(shape)}, not logits (B,), or "
            "(B, P) of P patches, and features (B, …).",
        )


def weights_come_from_the_seed(networks: Networks) -> None:
    """Weights are drawn from torch's generator: equal for equal seeds, different for others."""
    shape = shapes(networks)[0]
    for role in ROLES:
        first, again, other = (build_network(networks, role, shape, seed=seed).state_dict() for seed in (0, 0, 1))
        demand(not same(first, again), f"the {role} starts from other weights for the same seed.")
        demand(bool(same(first, other)), f"the {role} starts from the same weights whatever the seed.")


def every_weight_is_reached(networks: Networks) -> None:
    """The gradient of all outputs reaches every weight that is not frozen and is finite; the input is unchanged."""
    for shape in shapes(networks):
        for role in ROLES:
            module, x = build_network(networks, role, shape), example_input(networks, role, shape)
            with unchanged(x=x), untouched_randomness():
                found = outputs(module, x)
            weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
            demand(bool(weights), f"the {role} has no weight that is trained.")
            reached = _gradients_of(found, weights)
            blind = [name for name, gradient in reached.items() if gradient is None]
            demand(not blind, f"the {role}'s {', '.join(blind[:3])} do not affect its outputs.")
            finite = all(gradient is not None and bool(gradient.isfinite().all()) for gradient in reached.values())
            demand(finite, f"the {role} has gradients that are not finite.")


def gradients_are_those_of_the_cpu(networks: Networks) -> None:
    """In the harness's memory layout (channels last), and on a GPU if there is one, gradients are those of the CPU."""
    shape = shapes(networks)[-1]
    for role in ROLES:
        agrees_with_the_cpu(partial(_gradients_at, networks, role, shape))


def _gradients_at(networks: Networks, role: str, shape: ImageShape, place: Place) -> dict[str, Tensor]:
    module = place.move(build_network(networks, role, shape))
    weights = {f"the {role}'s gradient of {n}": w for n, w in module.named_parameters() if w.requires_grad}
    found = outputs(module, place.take(example_input(networks, role, shape)))
    return {name: gradient for name, gradient in _gradients_of(found, weights).items() if gradient is not None}


def _gradients_of(found: tuple[Tensor, ...], weights: Mapping[str, nn.Parameter]) -> dict[str, Tensor | None]:
    """Name → the gradient of all outputs together in that weight; None where they do not depend on it."""
    reached = gradients(torch.stack([y.square().mean() for y in found]), list(weights.values()))
    return dict(zip(weights, reached, strict=True))


def last_layers_are_there(networks: Networks) -> None:
    """The weights that `last_layers` names exist, and the gradient of the output reaches them."""
    shape = shapes(networks)[0]
    for role, name in networks.last_layers.items():
        module, x = build_network(networks, role, shape), example_input(networks, role, shape)
        weights = dict(module.named_parameters())
        demand(name in weights, f"last_layers names '{name}', and the {role} has no weight of this name.")
        image = outputs(module, x)[0].square().mean()
        (gradient,) = torch.autograd.grad(image, weights[name], allow_unused=True)
        demand(
            gradient is not None and bool(gradient.abs().max() > 0),
            f"last_layers names '{name}', on which the {role}'s output does not depend.",
        )


def evaluation_is_a_function(networks: Networks) -> None:
    """In evaluation mode, outputs repeat, do not depend on the rest of the batch, and change no state."""
    shape = shapes(networks)[0]
    for role in ROLES:
        module, x = build_network(networks, role, shape), example_input(networks, role, shape)
        module(x)  # so that running statistics differ from their initial values
        module.eval()
        before = deepcopy(module.state_dict())
        with torch.no_grad(), untouched_randomness():
            first, again, one = (outputs(module, batch) for batch in (x, x, x[:1]))
        changed = same(before, module.state_dict())
        demand(not changed, f"evaluating the {role} changes its {', '.join(changed[:3])}: honour .eval().")
        for a, b, c in zip(first, again, one, strict=True):
            demand(torch.equal(a, b), f"the {role} gives other outputs on repeat: is it random in evaluation mode?")
            demand(
                torch.allclose(a[:1], c, rtol=1e-3, atol=1e-4),
                f"in evaluation mode the {role} gives other outputs for an image alone than in a batch.",
            )


def weights_can_be_kept(networks: Networks) -> None:
    """A network that loads another's state_dict gives the same outputs."""
    shape = shapes(networks)[0]
    for role in ROLES:
        module, other, x = (
            build_network(networks, role, shape),
            build_network(networks, role, shape, seed=1),
            example_input(networks, role, shape),
        )
        other.load_state_dict(module.state_dict())
        with torch.no_grad():
            alike = all(torch.equal(a, b) for a, b in zip(outputs(module, x), outputs(other, x), strict=True))
        demand(alike, f"the {role} gives other outputs after save and load: keep all its state in state_dict.")


def works_in_bfloat16(networks: Networks) -> None:
    """Finite outputs under bfloat16 autocast."""
    shape = shapes(networks)[-1]
    for role in ROLES:
        with torch.autocast("cpu", torch.bfloat16):
            found = outputs(build_network(networks, role, shape), example_input(networks, role, shape))
        demand(all(bool(y.isfinite().all()) for y in found), f"the {role} is not finite under bfloat16 autocast.")


def attributes_are_used_or_refused(networks: Networks) -> None:
    """With conditions, either every role depends on the attributes, or every role is refused."""
    shape = shapes(networks)[-1]
    conditional = {role: conditional_network(networks, role, shape) for role in ROLES}
    refused = [role for role, module in conditional.items() if module is None]
    demand(len(refused) in (0, len(ROLES)), f"takes conditions for some roles, and refuses them for {refused}.")
    for role, module in conditional.items():
        if module is not None:
            ones = torch.ones(BATCH, ATTRIBUTES)
            gain = gain_of_attributes(module.eval(), role, example_input(networks, role, shape), ones)
            if role == "discriminator":
                depends_on_the_image(gain)


def conditional_network(networks: Networks, role: str, shape: ImageShape) -> nn.Module | None:
    """The network of a role that takes attributes; None where the architecture refuses them."""
    try:
        return build_network(networks, role, shape, conditions=ATTRIBUTES)
    except PluginError:
        return None


def images_are_by_themselves(networks: Networks) -> None:
    """In training mode, networks of the roles in `per_image` give an image the same outputs alone and in a batch."""
    shape = shapes(networks)[0]
    for role in networks.per_image:
        module, x = build_network(networks, role, shape), example_input(networks, role, shape)
        passes_are_alike(module, f"the {role}", "leave it out of `per_image`", x)


def unknown_roles_are_refused(networks: Networks) -> None:
    """Building an unknown role raises a PluginError that names it."""
    try:
        networks.build("no such role", shapes(networks)[0])
    except PluginError as error:
        demand("no such role" in str(error), "the error for an unknown role does not name it.")
    else:
        raise ConformanceError("builds something for the role 'no such role': raise PluginError for roles it lacks.")


CHECKS: Checks = {
    Networks: (
        shapes_are_those_of_the_roles,
        weights_come_from_the_seed,
        every_weight_is_reached,
        gradients_are_those_of_the_cpu,
        last_layers_are_there,
        evaluation_is_a_function,
        weights_can_be_kept,
        works_in_bfloat16,
        attributes_are_used_or_refused,
        images_are_by_themselves,
        unknown_roles_are_refused,
    ),
}
