"""How many images per second the page's interpreter makes in a browser, on one core.

Run: python benchmarks/page.py [--size 32] [--seconds 3] [--browser /usr/bin/chromium]

Networks have their initial weights, on which the time of a pass does not depend. Each program makes one image after the
other, as the page does while a slider moves, for a second of warming up and then for what is measured. The rates are
those of the median image and of the fastest: the second is that of a core with nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import shutil

import torch
from playwright.sync_api import Page, sync_playwright

from vaegan_bench.api import ImageShape, Networks
from vaegan_bench.networks.compact import Compact
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.report.page.page import INTERPRETER, static
from vaegan_bench.report.page.portable import portable
from vaegan_bench.system.device import describe
from vaegan_bench.testing.passes import build_network, example_input

TIME = """text => {
  const [plain, seconds] = JSON.parse(text);
  const program = new Program(plain), times = [];
  const inputs = plain.inputs.map(shape => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5));
  const start = performance.now();
  while (performance.now() < start + 1000 * (1 + seconds)) {
    const before = performance.now();
    program.run(inputs);
    if (before > start + 1000) times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return [times[times.length >> 1], times[0]];
}"""


def images_per_second(page: Page, networks: Networks, role: str, size: int, seconds: float) -> tuple[float, float]:
    """Of one network in a page that has the interpreter: the median, and the best."""
    shape = ImageShape(3, size, size)
    network = build_network(networks, role, shape).eval()
    program = portable(network, example_input(networks, role, shape), first_output_only=True)
    median, fastest = page.evaluate(TIME, json.dumps([program.as_plain(), seconds]))
    return 1000 / median, 1000 / fastest


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--browser", default=shutil.which("chromium"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.browser, args=["--no-sandbox"])
        print(f"{describe(torch.device('cpu'))}, Chromium {browser.version}, {given.size}×{given.size}")
        page = browser.new_page()
        for name in INTERPRETER:
            page.add_script_tag(content=static(name))
        for networks in (Compact(), Larsen()):
            for role in ("decoder", "encoder"):
                median, best = images_per_second(page, networks, role, given.size, given.seconds)
                print(f"{networks.name} {role}: {median:,.1f} images/s, {best:,.1f} at best")
        browser.close()


if __name__ == "__main__":
    main()
