"""The words of a verdict on two models, and what other modules read from them."""

from __future__ import annotations

BETTER, WORSE = "better", "worse"
NONE_SHOWN = "no difference shown"
NONE_POSSIBLE = "no verdict possible"
"""The beginning of the words where there are too few seeds; how many are needed follows."""
NO_VERDICT = "no verdict: "
"""The beginning of the words where no verdict is drawn whatever the p-value; the reason follows."""


def is_verdict(words: str) -> bool:
    """Whether the words say which model is better."""
    return words in (BETTER, WORSE)


def reason_in(words: str) -> str:
    """Why there is no verdict: 'the extractor is not usable on avatars', 'no difference shown'; '' for a verdict."""
    return "" if is_verdict(words) else words.removeprefix(NO_VERDICT)


def reason_clause(words: str) -> str:
    """Why there is no verdict, as the rest of a sentence: 'no verdict is possible at 3 seeds: 6 are needed'."""
    if words.startswith(NO_VERDICT):
        return f"no verdict is drawn: {reason_in(words)}"
    return words.replace(NONE_POSSIBLE, "no verdict is possible").replace(NONE_SHOWN, "no difference is shown")
