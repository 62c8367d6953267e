"""Faults of the surroundings: full disks, permissions, locks, files that vanish or change.

Each must be one or two lines and exit 1, or the numbers of an undisturbed run; whatever was there
before must be as it was or whole and new; and once the fault is gone the same command must work.
"""

import contextlib
import fcntl
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from fuzz.actions import REPORT, Action
from fuzz.aftermath import clear, left_in, names_in, not_as_before, not_whole, writing_in
from fuzz.child import Ended, isolated, run_in_child
from fuzz.corpus import use_small_segments
from fuzz.fault_commands import COMMANDS, DISTURBANCES, STORE, USES
from fuzz.outside import snapshot
from fuzz.stages import when_begins
from fuzz.surroundings import (
    fill_up,
    leave_namespace,
    make_read_only,
    mount_disk,
    obey_permissions,
)

Row = dict[str, Any]

DISK = 64 << 20
FREE = (0, 4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512, 1024, 2048)
"""KiB that are free on a disk that gets full."""
LIMITS = (0, 1, 8, 64, 256)
"""KiB that a file may have."""


class Faults:
    """Where commands meet faults.

    Args:
        folder: for the runs.
        base: the files that each begins with.
    """

    def __init__(self, folder: Path, base: Path) -> None:
        use_small_segments()
        self.folder, self.base = folder.absolute(), base.absolute()

    @contextlib.contextmanager
    def place(self, root: Path, before: Action | None) -> Iterator[Path]:
        """A folder with the files that a command begins with; its root is there."""
        (root / "tmp").mkdir(exist_ok=True)
        shutil.copytree(self.base, root / "work", ignore=shutil.ignore_patterns("__pycache__"))
        if before is not None:
            run_in_child(before, root / "work", root / "tmp").require_done()
        yield root / "work"

    @cache  # noqa: B019 - it lives as long as the process
    def undisturbed(self, name: str) -> Any:
        """The answer of a command that meets no fault, and the names of what it leaves."""
        with self.root() as root, self.place(root, COMMANDS[name].before) as work:
            ended = run_in_child(COMMANDS[name].action, work, root / "tmp")
            ended.require_done()
            return ended.answer, names_in(work)

    @contextlib.contextmanager
    def root(self) -> Iterator[Path]:
        """An empty folder that goes afterwards."""
        root = self.folder / f"fault-{os.getpid()}"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def run(self, case: str) -> Row:
        """Let a command meet a fault, and say what became of it.

        Args:
            case: ``FAULT:COMMAND:DETAIL``.
        """
        kind, name, detail = case.split(":")
        if kind in BY_COMMAND:
            self.undisturbed(name)
        with self.root() as root:
            try:
                found = isolated(lambda: FAULTS[kind](self, root, name, detail))
            except RuntimeError as error:
                found = f"not possible here: {error}" if "NotPossible" in str(error) else str(error)
        outcome = "impossible" if found.startswith("not possible") else "fault" if found else "good"
        return {"case": case, "outcome": outcome, "detail": found}

    def disk_full(self, root: Path, name: str, free: str) -> str:
        """A command whose disk has so many KiB free."""
        leave_namespace()
        disk = root / "disk"
        disk.mkdir()
        mount_disk(disk, DISK)
        given = COMMANDS[name]
        with self.place(disk, given.before) as work:
            filler = fill_up(disk, int(free) << 10)
            before = snapshot(work)
            ended = run_in_child(given.action, work, disk / "tmp")
            fault = self.judge(name, ended, before, work)
            fault = fault or left_in(disk / "tmp")
            filler.unlink()
            return fault or self.works(name, work)

    def file_limit(self, root: Path, name: str, limit: str) -> str:
        """A command whose files may have so many KiB."""
        most = int(limit) << 10

        def limited() -> Any:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            return COMMANDS[name].action()

        with self.place(root, COMMANDS[name].before) as work:
            before = snapshot(work)
            ended = run_in_child(limited, work, root / "tmp")
            fault = self.judge(name, ended, before, work) or left_in(root / "tmp")
            return fault or self.works(name, work)

    def read_only(self, root: Path, name: str, detail: str) -> str:
        """A command on a disk that cannot be written."""
        leave_namespace()
        disk = root / "disk"
        disk.mkdir()
        mount_disk(disk, DISK)
        with self.place(disk, COMMANDS[name].before) as work:
            make_read_only(disk)
            before = snapshot(work)
            ended = run_in_child(COMMANDS[name].action, work, disk / "tmp")
            return self.judge(name, ended, before, work)

    def forbidden(self, root: Path, name: str, detail: str) -> str:
        """A command that may not read a file, or not write a folder."""
        with self.place(root, COMMANDS[name].before) as work:
            before = snapshot(work)
            path = work / detail
            if not path.exists():
                return ""
            path.chmod(0o500 if path.is_dir() else 0)

            def obedient() -> Any:
                obey_permissions()
                return COMMANDS[name].action()

            ended = run_in_child(obedient, work, root / "tmp")
            path.chmod(0o700)
            return self.judge(name, ended, before, work) or left_in(root / "tmp")

    def locked(self, root: Path, name: str, detail: str) -> str:
        """A command whose store another process is writing, or has open for writing."""
        with self.place(root, STORE) as work:
            before = snapshot(work)
            with held(work, detail):
                ended = run_in_child(USES[name], work, root / "tmp")
            if ended.status == "done" and detail == "open" and name != "fresh":
                return "it read a store that another process has open for writing"
            fault = clear(ended) if ended.status != "done" else ""
            refused = ended.status != "done" and detail == "open"
            unsaid = refused and "lock" not in ended.errors
            if not fault and unsaid:
                return f"it does not say that the store is locked: {ended.errors[:200]}"
            writes = ("s.h5",) if ended.status == "done" else ("out.json", "s.h5.partial")
            return fault or not_as_before(before, work, ("out.json", *writes))

    def disturbed(self, root: Path, name: str, detail: str) -> str:
        """A command one of whose files vanishes or changes when a stage of it begins."""
        stage, what, file = detail.split(",")
        with self.place(root, None if stage in ("encode", "join") else STORE) as work:
            answer = (
                run_in_child(USES[name], work, root / "tmp").answer if stage == "show" else None
            )

            def disturb() -> None:
                DISTURBANCES[what](work / file)

            def run() -> Any:
                when_begins(stage, disturb)
                return USES[name]()

            ended = run_in_child(run, work, root / "tmp")
            if ended.status == "done":
                wrong = answer is not None and ended.answer != answer
                return "another answer, without a word" if wrong else ""
            return clear(ended) or left_in(root / "tmp") or writing_in(work)

    def console(self, root: Path, name: str, detail: str) -> str:
        """A command whose output goes where not every sign can."""

        def narrow() -> Any:
            if detail == "full":
                os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
            else:
                sys.stdout.reconfigure(encoding=detail)  # type: ignore[union-attr]
                sys.stderr.reconfigure(encoding=detail)  # type: ignore[union-attr]
            try:
                return USES[name]()
            finally:
                with contextlib.suppress(OSError):
                    sys.stdout.close()
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)

        with self.place(root, None if name == "evaluate" else STORE) as work:
            ended = run_in_child(narrow, work, root / "tmp")
            if detail == "full" and ended.status != "done":
                kept = name == "help" or (work / REPORT).exists()
                return clear(ended) or ("" if kept else "the report is lost")
            return "" if ended.status == "done" else clear(ended) or ended.errors[:200]

    def judge(self, name: str, ended: Ended, before: Mapping[str, str], work: Path) -> str:
        """What is wrong with how a command ended and with what it left; empty if nothing is."""
        answer, _ = self.undisturbed(name)
        if ended.status == "done":
            return "" if ended.answer == answer else "other numbers, without a word"
        return clear(ended) or not_whole(before, work) or writing_in(work)

    def works(self, name: str, work: Path) -> str:
        """What is wrong with a command once the fault is gone; empty if nothing is."""
        answer, names = self.undisturbed(name)
        ended = run_in_child(COMMANDS[name].action, work, work.parent / "tmp")
        if ended.status != "done":
            return f"afterwards it does not work: {ended.errors[:200]}"
        if ended.answer != answer:
            return "afterwards it gives other numbers"
        more = names_in(work) ^ names
        return f"left or not there afterwards: {', '.join(sorted(more)[:3])}" if more else ""


@contextlib.contextmanager
def held(work: Path, how: str) -> Iterator[None]:
    """Let another process hold a store: its lock for writing, or the file itself."""
    reading, writing = os.pipe()
    waiting, going = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(going)
            if how == "lock":
                (work / "s.h5.partial").mkdir()
                kept = FileLock(work / "s.h5.partial" / "lock")
                kept.acquire()
            else:
                kept = (work / "s.h5").open("rb")
                fcntl.flock(kept, fcntl.LOCK_EX)  # as HDF5 locks what it has open for writing
            os.write(writing, b".")
            os.read(waiting, 1)
        finally:
            os._exit(0)
    os.close(writing)
    os.close(waiting)
    os.read(reading, 1)
    try:
        yield
    finally:
        os.close(going)
        os.close(reading)
        os.waitpid(child, 0)


FAULTS: dict[str, Callable[[Faults, Path, str, str], str]] = {
    "disk-full": Faults.disk_full,
    "file-limit": Faults.file_limit,
    "read-only": Faults.read_only,
    "forbidden": Faults.forbidden,
    "locked": Faults.locked,
    "disturbed": Faults.disturbed,
    "console": Faults.console,
}
LABELS = {
    "disk-full": "disk full",
    "file-limit": "limit of the size of a file",
    "read-only": "read-only disk",
    "forbidden": "no permission",
    "locked": "locked by another process",
    "disturbed": "vanished or changed while it was read",
    "console": "output that cannot be encoded, or a full device",
}
BY_COMMAND = ("disk-full", "file-limit", "read-only", "forbidden")
"""Faults that a command of ``COMMANDS`` meets; the others meet one of ``USES``."""
FORBIDDEN = (".", "model.pt", "x.npy", "s.h5", "s.h5.report.json", "out.json", "out.html")
DISTURBED = {
    "evaluate": [
        f"{stage},{what},{file}"
        for stage, files in {
            "encode": ("x.npy", "model.pt", "s.h5.partial"),
            "join": ("x.npy", "s.h5.partial", "s.h5.partial/00000001.h5"),
        }.items()
        for file in files
        for what in DISTURBANCES
        if what == "vanishes" or not file.endswith(".partial")
    ],
    "show": [f"show,{what},s.h5" for what in DISTURBANCES],
    "compare": [
        f"compare,{what},{f}" for what in DISTURBANCES for f in ("s.h5", "s.h5.report.json")
    ],
    "fresh": [f"aggregate,{what},s.h5" for what in DISTURBANCES],
}
CONSOLES = ("cp1252", "latin-1", "gbk", "cp932", "ascii", "full")


def plan(count: int) -> list[str]:
    """The names of the faults, or of so many of them if they are fewer.

    >>> "disk-full:store:0" in plan(1000)
    True
    """
    every = [
        *(f"disk-full:{name}:{free}" for name in COMMANDS for free in FREE),
        *(f"file-limit:{name}:{limit}" for name in COMMANDS for limit in LIMITS),
        *(f"read-only:{name}:" for name in COMMANDS),
        *(f"forbidden:{name}:{path}" for name in COMMANDS for path in FORBIDDEN),
        *(
            f"locked:{name}:{how}"
            for name in ("show", "compare", "evaluate", "fresh")
            for how in ("lock", "open")
        ),
        *(
            f"disturbed:{name}:{detail}"
            for name, details in DISTURBED.items()
            for detail in details
        ),
        *(
            f"console:{name}:{how}"
            for name in ("show", "compare", "evaluate", "help")
            for how in CONSOLES
        ),
    ]
    return every[:: max(1, len(every) // count)]
