"""Kills: a command is ended by a signal at a random instant, and run again.

The instant is a random share of the time that a stage takes, from when the stage begins. Afterwards
the same command must give the numbers of an unbroken run, and leave the files of one.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fuzz.actions import REPORT, columns, command, evaluate
from fuzz.child import outcome_of, redirect, run_in_child
from fuzz.corpus import use_small_segments
from fuzz.outside import snapshot
from fuzz.stages import EVALUATION_STAGES, around_stage

Row = dict[str, Any]

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LONGEST = 120.0
"""Seconds in which a process must have ended that was told to, and those that it started."""
SWEEP = (
    *("sweep", "--data", "x.npy", "--betas", "0.5,2", "--first-epochs", "3", "--epochs", "3"),
    *("--hidden", "4", "--latent", "2", "--out", "swept"),
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A command that is killed.

    Attributes:
        label: what is killed, in words.
        words: of the command line.
        stage: a key of ``STAGES``; from the start of the command if it is empty.
        fresh: whether there is a store before, which the command is to replace.
        processes: that share the command; more than one are no forks of this process.
        count: kills, of a hundred in all.
    """

    label: str
    words: tuple[str, ...]
    stage: str = ""
    fresh: bool = False
    processes: int = 1
    count: int


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


class Started:
    """A command on its way, in a session of its own.

    Args:
        scenario: whose command it is.
        folder: that it is run in.
    """

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        reading, writing = os.pipe()
        self.stages = os.fdopen(reading, "rb", buffering=0)
        self.errors = folder.parent / "errors"
        self.began = time.monotonic()
        self.announced = [self.stages] if scenario.stage else []
        if scenario.processes > 1:
            self.leader = start_processes(scenario, folder, self.errors)
        else:
            self.leader = start_child(scenario, folder, self.errors, writing)
        os.close(writing)
        self.process = os.pidfd_open(self.leader)

    def wait_for_stage(self) -> float:
        """Wait until a stage begins, or ends; returns when that was, seconds from the start."""
        ready, _, _ = select.select([*self.announced, self.process], [], [], LONGEST)
        if self.stages in ready:
            self.stages.read(1)
        return time.monotonic() - self.began

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; whether the command has ended."""
        return bool(select.select([self.process], [], [], max(0.0, seconds))[0])

    def end(self) -> int:
        """Reap the command; its exit status, below 0 if a signal ended it."""
        if not self.wait(LONGEST):
            raise TimeoutError("A command that was told to end has not.")
        _, status = os.waitpid(self.leader, 0)
        os.close(self.process)
        self.stages.close()
        return os.waitstatus_to_exitcode(status)


def start_child(scenario: Scenario, folder: Path, errors: Path, writing: int) -> int:
    """Start a command in a fork of this process, which writes where its stage begins and ends."""
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        os.environ["TMPDIR"] = str(folder.parent / "tmp")
        stream = os.open(errors, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        redirect([os.open(os.devnull, os.O_WRONLY), stream])
        if scenario.stage:
            around_stage(scenario.stage, lambda: os.write(writing, b"."))
        found = outcome_of(command(*scenario.words))
        status = int(found.get("code", 0 if found["status"] == "done" else 99))
        sys.stderr.flush()
    finally:
        os._exit(status)


def start_processes(scenario: Scenario, folder: Path, errors: Path) -> int:
    """Start a command of several processes: a sweep by itself, ranks by torchrun."""
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node")
    ranks = (*launcher, str(scenario.processes), "-m") if scenario.words == EVALUATE else ()
    with errors.open("wb") as stream:
        started = subprocess.Popen(
            [sys.executable, "-m", *ranks, "fuzz.small_segments", *scenario.words],
            cwd=folder,
            env={
                **os.environ,
                "TMPDIR": str(folder.parent / "tmp"),
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )
    started.returncode = 0  # reaped by its number
    return started.pid


def members(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, its = path.read_text("ascii", "replace").rpartition(")")[2].split()[:4]
            if int(its) == session and state != "Z":
                found.append(int(path.parent.name))
    return found


def send(scenario: Scenario, started: Started, number: int, random: Random) -> None:
    """Send a signal as people and systems do: of ranks, to the launcher, or all, or one rank."""
    with contextlib.suppress(ProcessLookupError):
        if scenario.processes == 1 or number != signal.SIGKILL:
            os.kill(started.leader, number)
        elif random.random() < 0.5:
            os.killpg(started.leader, number)
        else:
            ranks = [pid for pid in members(started.leader) if pid != started.leader]
            for pid in ranks[-1:]:
                os.kill(pid, number)


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
            ended = run_in_child(
                evaluate("model.pt", "--store", "s.h5"), root / "work", root / "tmp"
            )
            if ended.status != "done":
                raise RuntimeError(ended.errors)
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
