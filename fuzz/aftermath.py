"""What is wrong after a command met a fault: with what it said, and with what it left."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from fuzz.child import Ended
from fuzz.outcome import CONTROL, MOST_LINES, error_at
from fuzz.outside import snapshot

WHOLE: dict[str, Callable[[bytes], bool]] = {
    ".json": lambda content: content.rstrip().endswith(b"}"),
    ".csv": lambda content: content.count(b"\n") >= 2,
    ".html": lambda content: content.rstrip().endswith(b"</html>"),
    ".png": lambda content: b"IEND" in content[-16:],
    ".h5": lambda content: content.startswith(b"\x89HDF"),
    ".npz": lambda content: b"PK\x05\x06" in content[-64:],
}
"""Whether a file of a kind has its end."""


def clear(ended: Ended) -> str:
    """What is wrong with a refusal; empty if it is one or two lines and exit 1."""
    lines = [line for line in ended.errors.splitlines() if line.strip()]
    start = error_at(lines)
    if ended.status in ("killed", "hung", "raised"):
        return f"{ended.status}: {ended.where or ended.code} {lines[-1][:200] if lines else ''}"
    if ended.code not in (1, 2) or not lines:
        return f"exit {ended.code}: {ended.errors[:200]}"
    errors = sum(line.startswith("Error: ") for line in lines)  # each output has its own
    if len(lines) - start > MOST_LINES * max(1, errors):
        return f"{len(lines) - start} lines: {lines[start][:200]}"
    return "control characters" if CONTROL.search(ended.errors) else ""


def not_as_before(before: Mapping[str, str], work: Path, writes: tuple[str, ...]) -> str:
    """The first file that is not as it was, but for those whose names begin with some."""
    after = snapshot(work)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name) and not name.startswith(writes):
            return f"{name} is not as it was"
    return ""


def not_whole(before: Mapping[str, str], work: Path) -> str:
    """The first file of before that is gone, or neither as it was nor whole and new."""
    after = snapshot(work)
    for name in before:
        if name not in after:
            return f"{name} is gone"
        same = before[name] == after[name]
        check = WHOLE.get(Path(name).suffix)
        if not same and not (check is not None and check((work / name).read_bytes())):
            return f"{name} is neither as it was nor whole"
    return ""


def writing_in(work: Path) -> str:
    """The first file that was left of writing aside; empty if there is none."""
    found = [p.name for p in work.rglob("*") if p.suffix == ".writing" or ".tmp" in p.name]
    return f"left: {found[0]}" if found else ""


def left_in(folder: Path) -> str:
    """What was left in a folder for temporary files; empty if nothing was."""
    found = sorted(os.listdir(folder))
    return f"left in the folder for temporary files: {found[0]}" if found else ""


def names_in(work: Path) -> set[str]:
    """The names of all files in a folder."""
    return {
        path.relative_to(work).as_posix()
        for path in work.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
