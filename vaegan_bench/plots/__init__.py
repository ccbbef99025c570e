"""Tables of numbers and pictures in; publishable figures out. Slow to import (seaborn): import when needed."""

from vaegan_bench.plots.curves import learning_curves
from vaegan_bench.plots.dots import metric_dots
from vaegan_bench.plots.sheets import grid, reconstruction_sheet, sample_sheet
from vaegan_bench.plots.style import colours

__all__ = ["colours", "grid", "learning_curves", "metric_dots", "reconstruction_sheet", "sample_sheet"]
