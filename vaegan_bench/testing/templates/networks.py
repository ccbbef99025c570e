"""An architecture of my own."""

from dataclasses import dataclass

from torch import Tensor, nn

from vaegan_bench.api import ImageShape, Networks, Plugin, PluginError, hookimpl, refuse_conditions


@dataclass(frozen=True, kw_only=True)
class MyPlugin(Networks):
    """Fully connected networks with one hidden layer: write here, in one line, what yours are."""

    name = "my-plugin"
    per_image = ("encoder", "decoder", "discriminator")  # without batch norm or the like
    latent: int = 64
    hidden: int = 256

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        """Build encoder, decoder or discriminator."""
        refuse_conditions(self, conditions)
        pixels = shape.channels * shape.height * shape.width
        match role:
            case "encoder":
                return TwoHeads(pixels, self.hidden, self.latent)
            case "decoder":
                image = (heads * shape.channels, shape.height, shape.width)
                layers = nn.Linear(self.latent, self.hidden), nn.ReLU(), nn.Linear(self.hidden, heads * pixels)
                return nn.Sequential(*layers, nn.Unflatten(1, image))
            case "discriminator":
                return Judge(pixels, self.hidden)
        raise PluginError(f"Networks 'my-plugin' have no role '{role}': encoder, decoder, discriminator.")


class TwoHeads(nn.Module):
    """x (B, C, H, W) → mu and logvar, (B, Z) each."""

    def __init__(self, pixels: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.ReLU())
        self.mu, self.logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior's parameters."""
        hidden = self.body(x_BCHW)
        return self.mu(hidden), self.logvar(hidden)


class Judge(nn.Module):
    """x (B, C, H, W) → logits (B,) and the features in which a VAE/GAN compares images."""

    def __init__(self, pixels: int, hidden: int) -> None:
        super().__init__()
        self.below = nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden))
        self.above = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The logits, and the hidden layer before its activation."""
        features = self.below(x_BCHW)
        return self.above(features).squeeze(1), features


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """Register it."""
    return [MyPlugin]
