"""Tables of numbers and images in; publishable figures out. Slow to import (seaborn): import when needed."""

from vaegan_bench.report.plots.attributes import attribute_dots
from vaegan_bench.report.plots.cost import cost_front
from vaegan_bench.report.plots.curves import learning_curves
from vaegan_bench.report.plots.dots import metric_dots
from vaegan_bench.report.plots.matrix import latent_vectors, matrices
from vaegan_bench.report.plots.pairs import image_pairs
from vaegan_bench.report.plots.profile import profiles
from vaegan_bench.report.plots.rulers import ruler_curves
from vaegan_bench.report.plots.sheets import grid, image_sheet, reconstruction_sheet, sample_sheet
from vaegan_bench.report.plots.spectrum import spectra
from vaegan_bench.report.plots.strips import strips
from vaegan_bench.report.plots.style import colours, dashes
from vaegan_bench.report.plots.trade_off import distance_pairs

__all__ = [
    "attribute_dots",
    "colours",
    "cost_front",
    "dashes",
    "distance_pairs",
    "grid",
    "image_pairs",
    "image_sheet",
    "latent_vectors",
    "learning_curves",
    "matrices",
    "metric_dots",
    "profiles",
    "reconstruction_sheet",
    "ruler_curves",
    "sample_sheet",
    "spectra",
    "strips",
]
