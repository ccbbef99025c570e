"""Results on disk: a folder per study, in it a folder per run. Whole or not at all, and nothing is read unchecked."""

from vaegan_bench.store.files import read_json, remove, whole_file, write_json
from vaegan_bench.store.measurements import Pictures, Seen
from vaegan_bench.store.rows import OPTIONAL, tidy
from vaegan_bench.store.run_folder import TRAIN_AGAIN, RunFolder
from vaegan_bench.store.study_folder import StudyFolder

__all__ = [
    "OPTIONAL",
    "TRAIN_AGAIN",
    "Pictures",
    "RunFolder",
    "Seen",
    "StudyFolder",
    "read_json",
    "remove",
    "tidy",
    "whole_file",
    "write_json",
]
