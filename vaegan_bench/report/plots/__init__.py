"""Tables of numbers and images in; publishable figures out. Slow to import (seaborn): import when needed."""

from vaegan_bench.report.plots.attributes import attribute_dots, attribute_matrix
from vaegan_bench.report.plots.curves import learning_curves
from vaegan_bench.report.plots.dots import metric_dots
from vaegan_bench.report.plots.latent import latent_spectrum
from vaegan_bench.report.plots.sheets import grid, reconstruction_sheet, sample_sheet
from vaegan_bench.report.plots.strips import attribute_strips, nearest_sheet
from vaegan_bench.report.plots.style import colours

__all__ = [
    "attribute_dots",
    "attribute_matrix",
    "attribute_strips",
    "colours",
    "grid",
    "latent_spectrum",
    "learning_curves",
    "metric_dots",
    "nearest_sheet",
    "reconstruction_sheet",
    "sample_sheet",
]
