"""A command on its way in a session of its own, to be killed."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fuzz.actions import command
from fuzz.child import outcome_of, redirect
from fuzz.stages import around_stage

LONGEST = 120.0
"""Seconds in which a process must have ended that was told to, and those that it started."""


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
    ranks = (*launcher, str(scenario.processes), "-m") if scenario.words[0] == "evaluate" else ()
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
