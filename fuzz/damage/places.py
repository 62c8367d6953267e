"""Damage to where files lie: gone, exchanged, or replaced by what is no file."""

import os
import shutil
from pathlib import Path
from random import Random

from fuzz.damage import Damage, Unfit
from fuzz.outside import Outside


def gone(path: Path, random: Random, outside: Outside) -> None:
    """The file is not there."""
    path.unlink()


def folder(path: Path, random: Random, outside: Outside) -> None:
    """A folder has its name."""
    path.unlink()
    path.mkdir()
    (path / "file").write_text("text", encoding="utf-8")


def pipe(path: Path, random: Random, outside: Outside) -> None:
    """A named pipe, into which nobody writes, has its name."""
    path.unlink()
    os.mkfifo(path)


def device(path: Path, random: Random, outside: Outside) -> None:
    """A device that gives bytes for ever has its name."""
    path.unlink()
    path.symlink_to(random.choice(["/dev/zero", "/dev/null", "/dev/tty"]))


def link_outside(path: Path, random: Random, outside: Outside) -> None:
    """A link to a file outside has its name."""
    path.unlink()
    path.symlink_to(random.choice([outside.numbers, outside.words, outside.folder]))


def link_to_itself(path: Path, random: Random, outside: Outside) -> None:
    """A link to itself has its name."""
    path.unlink()
    path.symlink_to(path.name)


def siblings(path: Path) -> list[Path]:
    """Other files beside a file that end as it does."""
    found = sorted(p for p in path.parent.iterdir() if p != path and p.suffix == path.suffix)
    if not found:
        raise Unfit
    return found


def copied_over(path: Path, random: Random, outside: Outside) -> None:
    """Another file of its kind is copied over it."""
    shutil.copyfile(random.choice(siblings(path)), path)


def exchanged(path: Path, random: Random, outside: Outside) -> None:
    """It and another file of its kind have each other's name."""
    other = random.choice(siblings(path))
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    other.rename(path)
    aside.rename(other)


PLACES: dict[str, Damage] = {
    "gone": gone,
    "a-folder": folder,
    "a-pipe": pipe,
    "a-device": device,
    "link-outside": link_outside,
    "link-to-itself": link_to_itself,
}
EXCHANGES: dict[str, Damage] = {"copied-over": copied_over, "exchanged": exchanged}
"""Of files that have others of their kind beside them: segments, shards."""
