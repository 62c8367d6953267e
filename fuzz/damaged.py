"""Damaged files: thousands of cases, each a damage and what a user does with the file."""

import contextlib
import fnmatch
import functools
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import genprobe
from fuzz.case import Case
from fuzz.child import Ended, run_in_child
from fuzz.corpus import add_store, make, make_base, use_small_segments, warm_up
from fuzz.damage import Unfit
from fuzz.format import Format
from fuzz.formats import FORMATS
from fuzz.outcome import Outcome, judge
from fuzz.outside import Outside, snapshot
from fuzz.warm_reader import use_warm_reader

Row = dict[str, Any]

LONG = ("evaluate", "fresh", "page", "covariates")
"""Actions that take long."""
NEVER_READ = {
    ("comparison", "compare"),
    ("torchscript", "evaluate"),
    ("weights", "without a factory"),
    ("checkpoint", "without a factory"),
}
"""Formats and actions that are refused whatever is in the file."""


def plan(count: int) -> list[Case]:
    """At least so many cases, spread over formats by their shares, over all kinds of each alike.

    Cases of a smaller count are among those of a larger one.

    >>> {case.format for case in plan(30)} >= {"store", "bundle"}
    True
    """
    total = sum(format.share for format in FORMATS.values())
    return [
        Case(name, kinds[i % len(kinds)], i // len(kinds))
        for name, format in FORMATS.items()
        for kinds in [shuffled(format.damages, name)]
        for i in range(math.ceil(count * format.share / total))
    ]


def shuffled(names: Iterable[str], seed: str) -> list[str]:
    """Names in an order of their own."""
    found = sorted(names)
    Random(seed).shuffle(found)
    return found


class Bench:
    """Where cases are run: the undamaged files, and what is answered of them.

    Args:
        folder: an empty one.
        quick: whether to leave out actions that take long, where there are others.
    """

    def __init__(self, folder: Path, quick: bool = False) -> None:
        use_small_segments()
        use_warm_reader()
        self.quick = quick
        self.folder = folder.absolute()
        self.base = self.folder / "base"
        self.good = self.folder / "good"
        make_base(self.base)
        make(self.good, self.base, add_store)
        warm_up(self.good)

    @functools.cache  # noqa: B019 - a bench lives as long as the process
    def files(self, format: str) -> Path:
        """The folder of the undamaged files of a format."""
        folder = self.folder / "undamaged" / format
        make(folder, self.base, FORMATS[format].make)
        return folder

    @functools.cache  # noqa: B019
    def undamaged(self, format: str, action: str) -> Ended:
        """How an action ends on the undamaged files."""
        with self.place(format) as (work, outside):
            ended = run_in_child(FORMATS[format].actions[action], work, work.parent / "tmp")
            if touched := what_was_touched(FORMATS[format], {}, work, outside, True):
                raise RuntimeError(f"{action} of undamaged {format}: {touched}")
        if ended.status != ("refused" if (format, action) in NEVER_READ else "done"):
            raise RuntimeError(f"{action} of undamaged {format}: {ended}")
        return ended

    @contextlib.contextmanager
    def place(self, format: str) -> Iterator[tuple[Path, Outside]]:
        """A copy of the undamaged files of a format, beside files that are none of its business."""
        root = self.folder / f"case-{os.getpid()}"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        (root / "tmp").mkdir()
        outside = Outside(root / "outside")
        outside.fill()
        shutil.copytree(self.files(format), root / "work", symlinks=True)
        try:
            yield root / "work", outside
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def run(self, case: Case) -> Row:
        """Run a case, and say what became of it.

        Args:
            case: of a format and a kind of damage that there are.
        """
        format, random = FORMATS[case.format], case.random()
        name = choose_action(format, Random(f"{case.name}:action"), self.quick)
        undamaged = self.undamaged(case.format, name)
        with self.place(case.format) as (work, outside):
            target = damage(format, case, random, work, outside)
            before = snapshot(work)
            ended = run_in_child(self.then_next(format, name), work, work.parent / "tmp")
            ended_itself = ended.status not in ("killed", "hung")
            touched = what_was_touched(format, before, work, outside, ended_itself)
        found = judge(ended, undamaged, case.kind in format.checked, touched)
        if target is None:
            found = Outcome("same", "there was nothing to damage so")
        return {
            "case": case.name,
            "action": name,
            "outcome": found.name,
            "detail": found.detail,
            "seconds": round(ended.seconds, 3),
        }

    def then_next(self, format: Format, name: str) -> Any:
        """An action after whose refusal another store is read in the same process."""
        action, good = format.actions[name], self.good / "s.h5"

        def run() -> Any:
            try:
                return action()
            except Exception:
                read_next(good)
                raise

        return run


def choose_action(format: Format, random: Random, quick: bool) -> str:
    """An action of a format; one that takes long more rarely, or not at all."""
    names = list(format.actions)
    weights = [(0 if quick else 1) if name in LONG else 4 for name in names]
    return random.choices(names, weights if any(weights) else None)[0]


class NextFailed(Exception):
    """After one call was refused, the next one in the process failed."""


def read_next(store: Path) -> None:
    """Read a store that is as it should be.

    Raises:
        NextFailed: if that fails.
    """
    try:
        genprobe.open_store(store).column("probes/rate")
    except Exception as error:
        raise NextFailed(str(error)) from error


def damage(format: Format, case: Case, random: Random, work: Path, outside: Outside) -> Path | None:
    """Damage one file of a format; returns which, or None where none can be damaged so."""
    targets = sorted({path for pattern in format.targets for path in work.glob(pattern)})
    random.shuffle(targets)
    for path in targets:
        kept = path.read_bytes()
        try:
            format.damages[case.kind](path, random, outside)
        except (Unfit, OSError, ArithmeticError, ValueError, KeyError, RuntimeError, TypeError):
            path.write_bytes(kept)  # such as a JSON damage of what is no JSON
            continue
        if case.format == "program":
            set_hashes_right(work / "exported")
        return path
    return None


def set_hashes_right(folder: Path) -> None:
    """Let the metadata of exported programs name the hashes that the files have."""
    from genprobe.loaders.exported import hash_file

    path = folder / "metadata.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["files"] = {name: hash_file(folder / name) for name in content["files"]}
    path.write_text(json.dumps(content), encoding="utf-8")


def what_was_touched(
    format: Format, before: Mapping[str, str], work: Path, outside: Outside, ended_itself: bool
) -> str:
    """What a case touched that it must not; empty if nothing, ``code`` if it ran code.

    Args:
        format: whose actions may write some files.
        before: what was in the folder before them.
        work: the folder of the case.
        outside: beside it.
        ended_itself: whether it could remove what it had put aside.
    """
    if outside.canary.exists():
        return "code"
    fresh = Outside(outside.folder.parent / "fresh")
    fresh.fill()
    if snapshot(outside.folder) != snapshot(fresh.folder):
        return "a file outside the folder is not as it was"
    if ended_itself and (left := sorted(os.listdir(work.parent / "tmp"))):
        return f"left in the folder for temporary files: {left[0]}"
    after = snapshot(work)
    for name in sorted({*before, *after} if before else ()):
        allowed = any(fnmatch.fnmatch(name, pattern) for pattern in (*format.writes, "__pycache*"))
        if not allowed and before.get(name) != after.get(name):
            return f"{name} is not as it was"
    return ""
