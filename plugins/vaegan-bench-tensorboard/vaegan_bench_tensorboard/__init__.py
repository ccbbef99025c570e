"""Curves, metrics and images of a study in TensorBoard: `tensorboard/<run>` in the study's folder."""

from __future__ import annotations

from vaegan_bench_tensorboard.logger import TensorBoardLogger

_logger = TensorBoardLogger()
study_started = _logger.study_started
run_started = _logger.run_started
terms_logged = _logger.terms_logged
run_evaluated = _logger.run_evaluated
run_ended = _logger.run_ended
study_ended = _logger.study_ended
