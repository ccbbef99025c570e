"""What near-duplicates cost: seconds of one core and memory, by the number of images and their size.

Run: python benchmarks/duplicates.py [--n 2000] [--size 256]

Numbers are in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import resource
import time

import torch
from torch import Tensor

from vaegan_bench.metrics.samples.memorisation import near_duplicates
from vaegan_bench.system.device import describe

SIDE = 16
REAL = 2000


def images(n: int, size: int, noise: torch.Generator) -> Tensor:
    """Squares of random colours; a fifth of the images have a near one, which differs in one square."""
    squares = torch.randint(0, 256, (n, 3, SIDE, SIDE), dtype=torch.uint8, generator=noise)
    squares[n // 2 : n // 2 + n // 10] = squares[: n // 10]
    squares[n // 2 : n // 2 + n // 10, 0, 0, 0] ^= 5
    return squares.repeat_interleave(size // SIDE, 2).repeat_interleave(size // SIDE, 3)


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--size", type=int, default=256, help="a multiple of 16")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    noise = torch.Generator().manual_seed(0)
    real, samples = (images(n, arguments.size, noise) for n in (min(REAL, arguments.n), arguments.n))
    held, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    share = near_duplicates(samples, real)
    seconds = time.process_time() - started
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 2**20
    print(f"{arguments.n:,} of {arguments.size}²: {share:.4f} in {seconds:.1f} s of {describe(torch.device('cpu'))}, "
          f"{more:.2f} GiB beside the images")  # fmt: skip


if __name__ == "__main__":
    main()
