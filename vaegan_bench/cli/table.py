"""`vaegan-bench table`: the comparison of a study, printed."""

from __future__ import annotations

from pathlib import Path

from vaegan_bench.cli.options import StudyPath
from vaegan_bench.cli.terminal import terminal


def table(study: StudyPath = Path("results/quick")) -> None:
    """Print the comparison of a study; nothing is written.

    Exit code 1 where runs are left out because of damage, or numbers are missing.

    Example: `vaegan-bench table results/quick`
    """
    from vaegan_bench.report import tables
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.system.attempts import Attempts

    folder = StudyFolder(study)
    terminal().print(tables.to_rich(folder.rows(), rulers=folder.rulers()))
    Attempts(folder.missing()).conclude()
