"""Results on disk: a folder per study, in it a folder per run. Whole or not at all, and nothing is read unchecked."""

from vaegan_bench.results.files import read_json, remove, whole_file, write_json
from vaegan_bench.results.measurements import Images, Seen
from vaegan_bench.results.rows import OPTIONAL, tidy
from vaegan_bench.results.run_folder import TRAIN_AGAIN, RunFolder
from vaegan_bench.results.study_folder import StudyFolder

__all__ = [
    "OPTIONAL",
    "TRAIN_AGAIN",
    "Images",
    "RunFolder",
    "Seen",
    "StudyFolder",
    "read_json",
    "remove",
    "tidy",
    "whole_file",
    "write_json",
]
