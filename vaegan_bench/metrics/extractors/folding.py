"""Batch norm folded into convolutions: the same function with fewer passes over memory."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Fold each batch norm into the convolution registered just before it, in place; returns the network.

    For networks in evaluation mode whose modules run in the order in which they are registered.
    At inference a batch norm is affine, γ(x − μ)/√(σ² + ε) + β, and so is the convolution before it.
    """
    before, convolution = "", None
    for name, child in list(network.named_children()):
        if isinstance(child, nn.BatchNorm2d) and convolution is not None:
            setattr(network, before, fuse_conv_bn_eval(convolution, child))
            setattr(network, name, nn.Identity())
        else:
            fold_batch_norm(child)
        before, convolution = name, child if isinstance(child, nn.Conv2d) else None
    return network
