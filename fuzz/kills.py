"""Kills: a command is ended by a signal at a random instant, and run again.

The instant is a random share of the time that a stage takes, from when the stage begins. Afterwards
the same command must give the numbers of an unbroken run, and leave the files of one.
"""

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fuzz.actions import REPORT, columns, evaluate
from fuzz.child import run_in_child
from fuzz.corpus import use_small_segments
from fuzz.outside import snapshot
from fuzz.stages import EVALUATION_STAGES
from fuzz.started import LONGEST, Scenario, Started, members, send

Row = dict[str, Any]

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SWEEP = (
    *("sweep", "--data", "x.npy", "--betas", "0.5,2", "--first-epochs", "3", "--epochs", "3"),
    *("--hidden", "4", "--latent", "2", "--out", "swept"),
)


EVALUATE = ("evaluate", "model.pt", "--store", "s.h5", "--max-queries", "8", "--json", REPORT)
SCENARIOS: dict[str, Scenario] = {
    **{
        name: Scenario(label=f"evaluate, {name}", words=EVALUATE, stage=name, count=15)
        for name in EVALUATION_STAGES
    },
    **{
        f"fresh-{name}": Scenario(
            label=f"evaluate --fresh, {name}",
            words=(*EVALUATE, "--fresh"),
            stage=name,
            fresh=True,
            count=5,
        )
        for name in EVALUATION_STAGES
    },
    "sweep": Scenario(label="sweep", words=SWEEP, count=9),
    "sweep-jobs": Scenario(
        label="sweep, two processes", words=(*SWEEP, "--jobs", "2"), processes=2, count=3
    ),
    "ranks": Scenario(label="evaluate on two ranks", words=EVALUATE, processes=2, count=8),
}


def plan(count: int) -> list[str]:
    """The names of so many kills, spread over scenarios and signals.

    >>> plan(100)[:2]
    ['encode:SIGKILL:0', 'encode:SIGTERM:0']
    """
    return [
        f"{name}:{SIGNALS[i % len(SIGNALS)].name}:{i // len(SIGNALS)}"
        for name, scenario in SCENARIOS.items()
        for i in range(-(-scenario.count * count // 100))
    ]


@dataclass(frozen=True, kw_only=True)
class Unbroken:
    """What a command gives and leaves that nothing interrupts.

    Attributes:
        answer: the numbers of its report.
        arrays: a digest of everything in its store or stores.
        files: the names of what it leaves.
        begins: seconds from the start of the command to that of the stage.
        lasts: seconds from there to the end of the stage.
    """

    answer: Any
    arrays: Any
    files: frozenset[str]
    begins: float
    lasts: float


class Kills:
    """Where commands are killed: the files they begin with, and what unbroken ones give.

    Args:
        folder: for the runs.
        base: the files that each begins with.
    """

    def __init__(self, folder: Path, base: Path) -> None:
        use_small_segments()
        self.folder, self.base = folder.absolute(), base.absolute()
        self.found: dict[str, Unbroken] = {}

    @contextlib.contextmanager
    def place(self, scenario: Scenario) -> Any:
        """A folder with the files that a command begins with."""
        root = self.folder / f"kill-{os.getpid()}"
        shutil.rmtree(root, ignore_errors=True)
        (root / "tmp").mkdir(parents=True)
        shutil.copytree(self.base, root / "work")
        if scenario.fresh:
            before = evaluate("model.pt", "--store", "s.h5")
            run_in_child(before, root / "work", root / "tmp").require_done()
        try:
            yield root / "work"
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def unbroken(self, name: str) -> Unbroken:
        """What an unbroken run of a scenario gives."""
        if name not in self.found:
            scenario = SCENARIOS[name]
            with self.place(scenario) as work:
                started = Started(scenario, work)
                begins = started.wait_for_stage() if scenario.stage else 0.0
                lasts = started.wait_for_stage() - begins
                if started.end():
                    raise RuntimeError(started.errors.read_text(encoding="utf-8"))
                self.found[name] = Unbroken(
                    answer=answer_in(work),
                    arrays=arrays_in(work),
                    files=names_in(work),
                    begins=begins,
                    lasts=lasts,
                )
        return self.found[name]

    def run(self, case: str) -> Row:
        """Kill a command, run it again, and say what became of it.

        Args:
            case: ``SCENARIO:SIGNAL:SEED``.
        """
        name, signal_name, _ = case.split(":")
        scenario, unbroken, random = SCENARIOS[name], self.unbroken(name), Random(case)
        number = signal.Signals[signal_name]
        with self.place(scenario) as work:
            before = snapshot(work)
            started = Started(scenario, work)
            if scenario.stage:
                started.wait_for_stage()
            first = 0.4 if scenario.processes > 1 else 0.0  # what the launcher and imports take
            ended = started.wait(unbroken.lasts * random.uniform(first, 0.9))
            send(scenario, started, number, random)
            fault = after_kill(scenario, started, work, before, ended)
            fault = fault or after_rerun(scenario, work, unbroken, before)
        found = fault or ("ended before the signal" if ended else "same numbers")
        outcome = "lost" if fault else "ended" if ended else "same"
        return {"case": case, "outcome": outcome, "detail": found}


def after_kill(
    scenario: Scenario, started: Started, work: Path, before: Mapping[str, str], ended: bool
) -> str:
    """What is wrong after a kill, in words; empty if nothing is."""
    code = started.end()
    errors = started.errors.read_text(encoding="utf-8", errors="replace")
    deadline = time.monotonic() + LONGEST
    while left := members(started.leader):
        if time.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return f"{len(left)} processes were left"
        select.select([os.pidfd_open(left[0])], [], [], 1.0)
    if scenario.processes == 1 and "Traceback" in errors:
        return f"exit {code} with a traceback: {errors.splitlines()[-1]}"
    if ended and code:
        return f"exit {code} before the signal"
    if changed := changed_inputs(work, before, scenario):
        return f"{changed} is not as it was"
    if scenario.fresh:
        found = run_in_child(columns("s.h5"), work, work.parent / "tmp")
        if found.status != "done":
            return f"the old store does not read: {found.errors}"
    return ""


def changed_inputs(work: Path, before: Mapping[str, str], scenario: Scenario) -> str:
    """The first of the user's own files that is not as it was; empty if all are."""
    after = snapshot(work)
    own = [name for name in before if not name.startswith(("s.h5", REPORT, "__pycache__"))]
    return next((name for name in own if before[name] != after.get(name)), "")


def after_rerun(
    scenario: Scenario, work: Path, unbroken: Unbroken, before: Mapping[str, str]
) -> str:
    """What is wrong after the same command was run again, in words; empty if nothing is."""
    again = Started(scenario, work)
    if code := again.end():
        return f"the rerun ends with {code}: {again.errors.read_text(encoding='utf-8')[-300:]}"
    if answer_in(work) != unbroken.answer:
        return "the rerun gives other numbers"
    if scenario.processes == 1 and arrays_in(work) != unbroken.arrays:
        return "the rerun gives another store"
    if more := names_in(work) - unbroken.files:
        return f"left: {', '.join(sorted(more)[:3])}"
    if less := unbroken.files - names_in(work):
        return f"not there: {', '.join(sorted(less)[:3])}"
    kept = os.listdir(work.parent / "tmp")
    if left := [name for name in kept if not name.startswith("torchelastic_")]:  # the launcher's
        return f"left in the folder for temporary files: {left[0]}"
    return changed_inputs(work, before, scenario)


def names_in(work: Path) -> frozenset[str]:
    """The names of all files; those of shards, which carry a hash of the run, without it."""
    found = (path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file())
    return frozenset(
        name.rpartition("-")[0] if ".shards/" in name else name
        for name in found
        if "__pycache__" not in name
    )


def answer_in(work: Path) -> Any:
    """The numbers of every report that a command wrote."""
    from fuzz.actions import numbers_in

    paths = [*work.glob(REPORT), *work.glob("swept/*.report.json")]
    return {path.name: numbers_in(path) for path in sorted(paths)}


def arrays_in(work: Path) -> Any:
    """A digest of every array of every store."""
    stores = sorted([*work.glob("*.h5"), *work.glob("swept/*.h5")])
    found = {}
    for path in stores:
        ended = run_in_child(columns(str(path)), work, work.parent / "tmp")
        found[path.name] = (ended.status, ended.answer)
    return found
