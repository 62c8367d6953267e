"""The commands that meet faults, and what happens to files that they read."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz.actions import QUERIES, REPORT, Action, command, evaluate
from fuzz.kills import SWEEP

OUTPUTS = (
    *("evaluate", "model.pt", "--store", "s.h5", *QUERIES, "--json", REPORT, "--csv", "out.csv"),
    *("--html", "out.html", "--plot", "out.png"),
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that meets a fault.

    Attributes:
        label: in words.
        action: the command.
        before: what is done before the fault is there.
    """

    label: str
    action: Action
    before: Action | None = None


STORE = evaluate("model.pt", "--store", "s.h5")
COMMANDS: dict[str, Command] = {
    "store": Command(label="evaluate --store", action=STORE),
    "fresh": Command(
        label="evaluate --store --fresh over an older one",
        action=evaluate("model.pt", "--store", "s.h5", "--fresh"),
        before=STORE,
    ),
    "temporary": Command(label="evaluate without a store", action=evaluate("model.pt")),
    "outputs": Command(
        label="--json, --csv, --html and --plot over older ones",
        action=command(*OUTPUTS),
        before=command(*OUTPUTS),
    ),
    "page": Command(label="the same where there are none", action=command(*OUTPUTS), before=STORE),
    "train": Command(
        label="train",
        action=command("train", "--data", "x.npy", "--epochs", "1", "--out", "trained.pt"),
    ),
    "sweep": Command(label="sweep", action=command(*SWEEP)),
}
USES: dict[str, Action] = {
    "show": command("show", "s.h5", *QUERIES, "--json", REPORT),
    "compare": command("compare", "s.h5", "--json", REPORT),
    "evaluate": STORE,
    "fresh": evaluate("model.pt", "--store", "s.h5", "--fresh"),
    "help": command("evaluate", "--help"),
}


def truncate(path: Path) -> None:
    """Cut a file short, where it is."""
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    """Write other bytes into a file, where it is."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        file.write(b"\1\2\3\4" * 64)


def remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


DISTURBANCES: dict[str, Callable[[Path], None]] = {
    "vanishes": remove,
    "is emptied": lambda path: os.truncate(path, 0),
    "is cut short": truncate,
    "changes": overwrite,
}
