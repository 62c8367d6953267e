"""What became of a case: refused, the same answer, or one of the faults that must not be."""

import re
from typing import Any, NamedTuple

from fuzz.child import Ended
from fuzz.outside import leaks

GOOD = {
    "refused": "refused in one or two lines",
    "same": "the same answer as undamaged",
    "told": "another answer, with a warning, where no checksum could tell",
    "unknowable": "another answer, where no checksum could tell",
}
FAULTS = {
    "code": "code was run",
    "outside": "files outside, or the user's own, were read, changed or left",
    "killed": "the process crashed",
    "hung": "it hung for over ten seconds",
    "raised": "a traceback",
    "next": "the next call in the process failed",
    "changed": "another answer, without a word",
    "wordy": "more than two lines, or another plugin was blamed",
    "raw": "control characters were shown as they are",
}
"""What must not be, the worst first."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
MOST_LINES = 2


class Outcome(NamedTuple):
    """What became of a case.

    Attributes:
        name: a key of ``GOOD` or `FAULTS``.
        detail: what was said, or where it failed.
    """

    name: str
    detail: str


def judge(ended: Ended, undamaged: Ended, checked: bool, touched: str) -> Outcome:
    """The outcome of a case.

    Args:
        ended: how its action ended.
        undamaged: how the same action ends on the undamaged files.
        checked: whether the format has a checksum that finds such damage.
        touched: what was touched that must not be, in words; ``code`` if code was run.
    """
    lines = new_lines(ended, undamaged)
    said = lines[0][:300] if lines else ""
    if touched:
        return Outcome("code" if touched == "code" else "outside", touched)
    if leaks(ended.output + ended.errors + str(ended.answer)):
        return Outcome("outside", "the content of a file outside is shown")
    if ended.status in ("killed", "hung"):
        return Outcome(ended.status, f"signal {ended.code}" if ended.code else said)
    if ended.status == "raised":
        return Outcome("next" if ended.where.startswith("NextFailed") else "raised", ended.where)
    if CONTROL.search(ended.errors + ended.output):
        return Outcome("raw", said)
    if ended.status == "refused":
        every = [line for line in ended.errors.splitlines() if line.strip()]
        errors = every[error_at(every) :]
        said = errors[0][:300] if errors else ""
        clear = 0 < len(errors) <= MOST_LINES and ended.code in (1, 2) and "The plugin" not in said
        return Outcome("refused" if clear else "wordy", said)
    return judge_answer(ended, undamaged, checked, said)


def error_at(lines: list[str]) -> int:
    """Where the error begins among lines of which others may be of the log."""
    return next((i for i, line in enumerate(lines) if line.startswith("Error: ")), 0)


def judge_answer(ended: Ended, undamaged: Ended, checked: bool, said: str) -> Outcome:
    """The outcome of a case that has an answer."""
    if undamaged.status == "done" and ended.answer == undamaged.answer:
        return Outcome("same", said)
    difference = first_difference(undamaged.answer, ended.answer, "")[:300]
    if checked:
        return Outcome("changed", difference)
    more = warnings(ended.answer) - warnings(undamaged.answer)
    if said or more:
        return Outcome("told", said or ", ".join(sorted(more)))
    return Outcome("unknowable", difference)


def new_lines(ended: Ended, undamaged: Ended) -> list[str]:
    """What is said on standard error that is not said of undamaged files."""
    before = set(undamaged.errors.splitlines())
    return [line for line in ended.errors.splitlines() if line.strip() and line not in before]


def warnings(answer: Any) -> set[str]:
    """The codes of all warnings in an answer."""
    if isinstance(answer, dict):
        own = {str(answer["code"])} if "code" in answer else set()
        return own.union(*map(warnings, answer.values()))
    return set().union(*map(warnings, answer)) if isinstance(answer, list) else set()


def first_difference(before: Any, after: Any, place: str) -> str:
    """Where two answers first differ, and how; empty if they do not."""
    if before == after:
        return ""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *after]:
            if key not in before or key not in after:
                return f"{place}/{key} is {'new' if key in after else 'gone'}"
            if found := first_difference(before[key], after[key], f"{place}/{key}"):
                return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        found = (first_difference(a, b, f"{place}/{i}") for i, (a, b) in pairs)
        return next(filter(None, found), "")
    return f"{place}: {str(before)[:80]} → {str(after)[:80]}"
