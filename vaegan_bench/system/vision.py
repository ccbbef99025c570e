"""The only module that imports torchvision, and torch-fidelity, which imports torchvision.

The registries' Linux wheel of torchvision is a CUDA build. Beside a CPU-only torch its compiled operators do
not load, and `import torchvision` ends in "operator torchvision::nms does not exist". Declaring the two
operators that the import needs is enough for transforms, models, datasets and utils. Decoding in
`torchvision.io` and `ops.nms` remain unavailable; images are decoded by Pillow.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType

import torch

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []
"""Keeps the declarations alive: they vanish with the library that made them."""


def load_torchvision() -> ModuleType:
    """Import torchvision, also from a build that does not match torch.

    Raises `ImportError` where torchvision is not installed, and torchvision's own error for any other fault.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    _forget_half_imported()
    _declare_operators()
    return _import_without_operators()


def load_torch_fidelity() -> ModuleType:
    """Import torch-fidelity through `load_torchvision`."""
    load_torchvision()
    return importlib.import_module("torch_fidelity")


def _forget_half_imported() -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == "torchvision"]:
        del sys.modules[module]


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define(f"nms{_BOXES}")
    library.define(f"qnms{_BOXES}")
    _declared.append(library)


def _import_without_operators() -> ModuleType:
    with warnings.catch_warnings():
        # The image decoders of the same build do not load either, and torchvision warns about it.
        warnings.filterwarnings("ignore", message="Failed to load image Python extension")
        return importlib.import_module("torchvision")
