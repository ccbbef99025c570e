"""The vision transformer of DINOv2, for inference, with the names that its published weights have."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PATCH = 14
GRID = 37
"""Patches per side in training, at 518 pixels; position embeddings of other grids are interpolated from these."""
OFFSET = 0.1
"""DINOv2 stretches the interpolation by a tenth of a patch, and its published features come with that."""


class Architecture(NamedTuple):
    """The settings in which the sizes differ."""

    width: int
    depth: int
    heads: int
    gated: bool = False
    """A SwiGLU (Shazeer, 2020) instead of the perceptron."""


class VisionTransformer(nn.Module):
    """Normalised square images (B, 3, 14·g, 14·g) → the class token (B, F) (Dosovitskiy et al., 2021, eq. 1–4)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.width
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + GRID**2, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        self.blocks = nn.Sequential(*(Block(architecture) for _ in range(architecture.depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The class token after the last block, normalised."""
        patches_BFGG = self.patch_embed["proj"](x_BCHW)
        tokens_BTF = patches_BFGG.flatten(2).transpose(1, 2) + self._positions(patches_BFGG.shape[-1])
        first_B1F = (self.cls_token + self.pos_embed[:, :1]).expand(len(tokens_BTF), -1, -1)
        token_BF: Tensor = self.norm(self.blocks(torch.cat([first_B1F, tokens_BTF], dim=1))[:, 0])
        return token_BF

    def _positions(self, grid: int) -> Tensor:
        """Position embeddings of grid × grid patches, (1, T, F)."""
        known_1FGG: Tensor = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (GRID, GRID))
        if grid != GRID:
            known_1FGG = F.interpolate(known_1FGG, scale_factor=(grid + OFFSET) / GRID, mode="bicubic")
        return known_1FGG.flatten(2).transpose(1, 2)


class Block(nn.Module):
    """Attention, then a perceptron, each on normalised tokens and added with a learned scale (Touvron et al., 2021)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.width
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, architecture.heads)
        self.ls1 = Scale(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp: nn.Module = GatedPerceptron(width) if architecture.gated else Perceptron(width)
        self.ls2 = Scale(width)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Tokens (B, T, F) to tokens."""
        x_BTF = x_BTF + self.ls1(self.attn(self.norm1(x_BTF)))
        changed_BTF: Tensor = x_BTF + self.ls2(self.mlp(self.norm2(x_BTF)))
        return changed_BTF


class Attention(nn.Module):
    """Self-attention with several heads (Vaswani et al., 2017, section 3.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Tokens (B, T, F) to tokens."""
        q, k, v = self.qkv(x_BTF).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed_BTF: Tensor = self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return mixed_BTF


class Perceptron(nn.Module):
    """One hidden layer, four times as wide, with a GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Tokens (B, T, F) to tokens."""
        changed_BTF: Tensor = self.fc2(F.gelu(self.fc1(x_BTF)))
        return changed_BTF


class GatedPerceptron(nn.Module):
    """A SwiGLU (Shazeer, 2020, eq. 6) whose hidden layer is narrower by a third, for as many weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = -(-(4 * width * 2 // 3) // 8) * 8
        self.w12 = nn.Linear(width, 2 * hidden)
        self.w3 = nn.Linear(hidden, width)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Tokens (B, T, F) to tokens."""
        gate, value = self.w12(x_BTF).chunk(2, dim=-1)
        changed_BTF: Tensor = self.w3(F.silu(gate) * value)
        return changed_BTF


class Scale(nn.Module):
    """One learned factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(width))

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Tokens (B, T, F) to tokens."""
        return x_BTF * self.gamma
