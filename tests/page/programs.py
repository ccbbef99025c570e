"""Networks whose mistakes would show, and what the browser makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaegan_bench.report.page.page import INTERPRETER, static
from vaegan_bench.report.page.portable import Portable, portable

if TYPE_CHECKING:
    from playwright.sync_api import Page

RUN = """text => {
  const [plain, inputs, times] = JSON.parse(text), program = new Program(plain), found = [];
  for (let i = 0; i < times; i++) {
    found.push(program.run(inputs.map(x => Float32Array.from(x))).map(y => Array.from(y)));
  }
  return JSON.stringify(found, (_, x) => typeof x === "number" && !Number.isFinite(x) ? String(x) : x);
}"""


def disturb(network: nn.Module, seed: int = 3) -> nn.Module:
    """The network in evaluation mode, with norms whose statistics and parameters are all different."""
    noise = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -0.5, 0.5), (module.running_var, 0.5, 2.0),
                (module.weight, 0.5, 1.5), (module.bias, -0.5, 0.5),
            ):  # fmt: skip
                assert values is not None
                values.data.uniform_(low, high, generator=noise)
        if isinstance(module, nn.GroupNorm | nn.LayerNorm):
            for parameter in module.parameters():
                parameter.data.uniform_(0.5, 1.5, generator=noise)
    return network.eval()


def run_in(page: Page, program: Portable, *inputs: Tensor, times: int = 1) -> list[Tensor]:
    """The outputs of a program for the first example of each input, as the browser computes them every time."""
    return run_plain(page, program.as_plain(), *inputs, times=times)


def run_plain(page: Page, plain: dict[str, Any], *inputs: Tensor, times: int = 1) -> list[Tensor]:
    """The same, of a program as a page has it."""
    if not page.evaluate("typeof Program !== 'undefined'"):
        for name in INTERPRETER:
            page.add_script_tag(content=static(name))
    given = [x[0].flatten().tolist() for x in inputs]
    text = json.dumps([plain, given, times])  # as text, both ways, which is sent much faster
    first, *others = json.loads(page.evaluate(RUN, text))
    assert all(repr(other) == repr(first) for other in others)
    return [torch.tensor([float(x) for x in y]).view(shape) for y, shape in zip(first, plain["outputs"], strict=True)]


def differences(page: Page, network: nn.Module, *inputs: Tensor) -> list[float]:
    """How far each output of the first example is from torch's, at most."""
    with torch.no_grad():
        found: Any = network(*(x.clone() for x in inputs))
    outputs = found if isinstance(found, tuple) else (found,)
    shown = run_in(page, portable(network, *inputs), *inputs, times=2)
    return [float((y[0] - z).abs().max()) for y, z in zip(outputs, shown, strict=True)]
