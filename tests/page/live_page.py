"""A page with nothing but the section "Live models", of small networks."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image
from programs import disturb
from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks
from vaegan_bench.networks.compact import Compact
from vaegan_bench.report.page.packing import pack_float16
from vaegan_bench.report.page.page import WORKER, static
from vaegan_bench.report.page.portable import portable
from vaegan_bench.testing.passes import build_network, example_input

COLOURS = {
    "light": {"ink": "#1c1c22", "paper": "#ffffff", "muted": "#5d6068", "line": "#c9cbd1", "accent": "#2457c5"},
    "dark": {"ink": "#ececf0", "paper": "#15161a", "muted": "#a3a6b0", "line": "#4a4d57", "accent": "#8ab0ff"},
}
MODELS = ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3")
NETWORKS = Compact(latent=6, width=4, decoder_width=4)


@dataclass
class Shown:
    """A model of the page, with the networks that its programs come from."""

    name: str
    decoder: nn.Module | None
    encoder: nn.Module | None = None
    conditional: bool = False
    vectors: Mapping[str, Tensor] = field(default_factory=dict)
    why_not: str = ""


@dataclass
class Live:
    """What the page is about."""

    networks: Networks
    shape: ImageShape
    faces_NCHW: Tensor
    """uint8."""
    codes_NZ: Tensor
    """As float16 has them, like everything that travels as such."""
    models: Sequence[Shown]
    attributes: Sequence[str] = ()
    conditions_NA: Tensor | None = None
    ends: Sequence[tuple[float, float]] = ()

    def data(self) -> dict[str, Any]:
        """What the page reads."""
        return {
            "shape": list(self.shape), "faces": [as_url(face) for face in self.faces_NCHW],
            "face_conditions": None if self.conditions_NA is None else self.conditions_NA.tolist(),
            "attributes": list(self.attributes), "ends": list(self.ends), "models": [*self._models()],
            "codes": {"normal": {"count": len(self.codes_NZ), "float16": pack_float16(self.codes_NZ)}},
        }  # fmt: skip

    def _models(self) -> Sequence[dict[str, Any]]:
        return [
            {
                "name": model.name, "colour": i, "conditional": model.conditional, "latent": self.networks.latent,
                "decoder": self._program("decoder", model.decoder, model.conditional),
                "encoder": self._program("encoder", model.encoder, model.conditional),
                "vectors": self._vectors(model.vectors), "codes": "normal", "why_not": model.why_not,
            }
            for i, model in enumerate(self.models)
        ]  # fmt: skip

    def _program(self, role: str, network: nn.Module | None, conditional: bool) -> dict[str, Any] | None:
        if network is None:
            return None
        inputs = [example_input(self.networks, role, self.shape)]
        if conditional:
            inputs.append(torch.ones(len(inputs[0]), len(self.attributes)))
        return portable(network, *inputs, first_output_only=True).as_plain()

    def _vectors(self, vectors: Mapping[str, Tensor]) -> dict[str, Any] | None:
        if not vectors:
            return None
        return {"names": list(vectors), "float16": pack_float16(torch.stack([*vectors.values()]))}

    def html(self, scheme: str = "light") -> str:
        """The page, which allows nothing but its own scripts and styles."""
        parts = {name: static(name) for name in ("live.js", "live.css")}
        worker = "".join(static(name) for name in WORKER)
        colours = COLOURS[scheme] | {f"model-{i}": colour for i, colour in enumerate(MODELS)}
        style = f""":root {{ {" ".join(f"--{name}: {value};" for name, value in colours.items())} }}
          body {{ background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
          max-width: 84rem; padding: 1rem; }}\n""" + parts["live.css"]
        policy = (
            f"default-src 'none'; img-src data: blob:; worker-src blob:; script-src {_hash(parts['live.js'])}; "
            f"style-src {_hash(style)}"
        )
        text = json.dumps(self.data()).replace("<", "\\u003c")
        return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Live models</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body>
<section id="live"><h2>Live models</h2><div class="live-host"></div></section>
<script type="application/json" id="live-data">{text}</script>
<script type="text/plain" id="live-worker">{worker}</script><script>{parts["live.js"]}</script></body></html>"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def as_png(image_CHW: Tensor) -> bytes:
    """A uint8 image as a file."""
    file = io.BytesIO()
    array = image_CHW.permute(1, 2, 0).numpy()
    Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array).save(file, "PNG")
    return file.getvalue()


def as_url(image_CHW: Tensor) -> str:
    """The same within a page."""
    return f"data:image/png;base64,{base64.b64encode(as_png(image_CHW)).decode()}"


def halves(*shape: int, seed: int) -> Tensor:
    """Random numbers that float16 holds."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).half().float()


def contrasting(network: nn.Module) -> nn.Module:
    """A decoder whose images are far from grey."""
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d)][-1]
    last.weight.data *= 4
    return network


def small_live(channels: int = 3) -> Live:
    """Four models that the page can run, one of them conditional, and one that it cannot."""
    shape = ImageShape(channels, 16, 16)

    def network(role: str, seed: int, heads: int = 1, conditions: int = 0) -> nn.Module:
        built = disturb(build_network(NETWORKS, role, shape, heads, conditions, seed), seed)
        return contrasting(built) if role == "decoder" else built

    attributes = ("Eyeglasses", "Wearing_Hat", "<b>Bald</b>")
    vectors = [dict(zip(attributes, halves(3, NETWORKS.latent, seed=seed), strict=True)) for seed in (1, 2)]
    del vectors[1]["Wearing_Hat"]
    noise = torch.Generator().manual_seed(9)
    return Live(
        networks=NETWORKS, shape=shape, attributes=attributes, ends=((-1.0, 1.0), (0.25, 0.75), (-2.0, 0.5)),
        faces_NCHW=torch.randint(0, 256, (4, *shape), dtype=torch.uint8, generator=noise),
        codes_NZ=halves(40, NETWORKS.latent, seed=3), conditions_NA=halves(4, 3, seed=4),
        models=[
            Shown("vae", network("decoder", 11), network("encoder", 12), vectors=vectors[0]),
            Shown("vae[two heads]", network("decoder", 13, heads=2), network("encoder", 14), vectors=vectors[1]),
            Shown("gan", network("decoder", 15), vectors=vectors[0]),
            Shown("<i>cvae</i>", network("decoder", 16, conditions=3), network("encoder", 17, conditions=3), True),
            Shown("transformer", None, why_not="its decoder uses aten.bmm, which the page cannot run"),
        ],
    )  # fmt: skip
