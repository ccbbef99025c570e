"""Training batches: all images in memory, on the device; a batch is an index, a cast and an augmentation."""

from __future__ import annotations

import torch
from torch import Tensor

from vaegan_bench.api import Dataset, Split, StudyError, to_signed
from vaegan_bench.system.randomness import generator


class Batches:
    """The order in which a run sees its training images: a function of the seed and the step alone."""

    def __init__(self, dataset: Dataset, train: Split, batch: int, seed: int, device: torch.device) -> None:
        if batch > len(train):
            raise StudyError(f"batch is {batch}, and there are only {len(train)} training images.")
        self.images_NCHW = train.images_NCHW.to(device)  # on the CPU no copy: many runs share one file in memory
        self.conditions_NA = train.conditions.to(device)
        self.dataset, self.batch, self.seed = dataset, batch, seed
        self.per_epoch = len(train) // batch
        self.epoch = -1
        self.order_N = torch.empty(0, dtype=torch.int64, device=device)

    def at(self, step: int) -> Tensor:
        """The batch of one step, augmented; (B, C, H, W) in [-1, 1], channels last."""
        index = self._index(step)
        # Not from the model's noise: models draw different amounts of it, but all must see the same images.
        noise = generator(self.images_NCHW.device, self.seed, "augment", step)
        images_BCHW = self.images_NCHW[index].contiguous(memory_format=torch.channels_last)
        return self.dataset.augment(to_signed(images_BCHW), noise)

    def attributes_at(self, step: int) -> Tensor:
        """The attributes of the images of one step; (B, A) float32."""
        return self.conditions_NA[self._index(step)]

    def _index(self, step: int) -> Tensor:
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            self._shuffle(epoch)
        return self.order_N[position * self.batch : (position + 1) * self.batch]

    def _shuffle(self, epoch: int) -> None:
        order = generator(torch.device("cpu"), self.seed, "order", epoch)
        self.order_N = torch.randperm(len(self.images_NCHW), generator=order).to(self.images_NCHW.device)
        self.epoch = epoch
