"""What the preparation of CelebA costs: images per second, the time for all 202,599, and peak memory.

Run: python benchmarks/preparation.py [--images 8000] [--workers 2]   the rate, from which the whole time follows
     python benchmarks/preparation.py --images 202599                 the whole of it, for real

On a quiet machine only: look at `uptime` first. The images are generated: 2,000 different JPEGs of 178 × 218, quality
90, with the power spectrum of photographs; more are copies of these by name, each decoded for itself. Each crop of
`celeba` is prepared at 64 × 64 with worker processes, hashed, recalled and handed to torch. Memory is the sum over this
process and its workers, sampled; what is mapped from files counts too.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vaegan_bench.api import silent
from vaegan_bench.datasets.preparation.array import prepare
from vaegan_bench.datasets.preparation.sources import Source, listing_of
from vaegan_bench.datasets.preparation.treatment import Treatment

WHOLE = 202_599
DIFFERENT = 2000
WIDTH, HEIGHT = 178, 218
CROPS = {
    "paper": Treatment(64, (15, 40, 163, 188), (WIDTH, HEIGHT), 0.76),
    "148": Treatment(64, (15, 40, 163, 188), (WIDTH, HEIGHT)),
    "178": Treatment(64, (0, 20, 178, 198), (WIDTH, HEIGHT)),
}
PAGE = os.sysconf("SC_PAGE_SIZE")


def photograph(seed: int) -> bytes:
    """A JPEG whose amplitudes fall as one over the frequency, as those of photographs do; channels nearly agree."""
    noise = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH))
    frequency[0, 0] = 1
    waves = np.fft.rfft2(noise.standard_normal((4, HEIGHT, WIDTH))) / frequency**1.7
    fields = np.fft.irfft2(waves, (HEIGHT, WIDTH))
    fields /= fields.std((1, 2), keepdims=True)
    pixels = 128 + 50 * fields[0] + 12 * fields[1:]
    content = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)).save(content, "JPEG", quality=90)
    return content.getvalue()


def write_photographs(folder: Path, n: int) -> list[Source]:
    """Different images, then the same files under more names."""
    for i in range(min(n, DIFFERENT)):
        (folder / f"{i:06}.jpg").write_bytes(photograph(i))
    written = listing_of(folder).sources
    size = sum(Path(source.file).stat().st_size for source in written) / len(written) / 1000
    print(f"{n} images of {size:.1f} kB on average, {len(written)} of them different")
    return [written[i % len(written)]._replace(name=f"{i:06}.jpg") for i in range(n)]


def resident(process: Path) -> int:
    """Bytes of a process in memory; nothing if it has ended."""
    try:
        return int((process / "statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def family() -> Iterator[Path]:
    """This process and its children."""
    ours = Path("/proc/self").resolve()
    yield ours
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if parent == ours.name:
            yield process


@contextmanager
def watched() -> Iterator[list[int]]:
    """A list whose only number becomes the most bytes that were resident at once."""
    peak, ended = [0], threading.Event()

    def sample() -> None:
        while not ended.wait(0.2):
            peak[0] = max(peak[0], sum(map(resident, family())))

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def measure(crop: str, sources: Sequence[Source], workers: int, cache: Path) -> None:
    """Prepare with one crop, then recall, and print both."""
    with watched() as peak:
        start = time.perf_counter()
        prepared = prepare("celeba", sources, CROPS[crop], cache, silent, workers=workers)
        made = time.perf_counter() - start
        images = torch.from_numpy(prepared.pixels)
    start = time.perf_counter()
    prepare("celeba", sources, CROPS[crop], cache, silent, workers=workers)
    recalled = time.perf_counter() - start
    rate = len(images) / made
    whole = f"{WHOLE / rate / 60:.1f} min for {WHOLE:,}, recalled in {recalled:.2f} s"
    print(f"celeba[crop={crop}]: {rate:.0f} images/s, {whole}; peak {peak[0] / 1e9:.2f} GB")


def main() -> None:
    """Measure all crops, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--crops", nargs="+", choices=CROPS, default=list(CROPS))
    arguments = parser.parse_args()
    print(f"{arguments.workers} processes, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "images"
        folder.mkdir()
        sources = write_photographs(folder, arguments.images)
        for crop in arguments.crops:
            measure(crop, sources, arguments.workers, Path(temporary) / "cache")


if __name__ == "__main__":
    main()
