"""The life of a study as JSON lines: `events.jsonl` in the study's folder."""

from __future__ import annotations

from vaegan_bench_jsonl.journal import Journal

_journal = Journal()
study_started = _journal.study_started
run_started = _journal.run_started
terms_logged = _journal.terms_logged
run_evaluated = _journal.run_evaluated
run_ended = _journal.run_ended
study_ended = _journal.study_ended
