"""What a format of files is to a session: how it is made, damaged and used."""

from collections.abc import Mapping
from dataclasses import dataclass

from fuzz.actions import Action
from fuzz.corpus import Make
from fuzz.damage import Damage


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of files.

    Attributes:
        label: what it is, in words.
        make: adds its files to those of every case.
        targets: patterns of the files of which one is damaged.
        damages: by kind.
        checked: those of them that the format's checksums find; of the others it cannot know.
        actions: what a user does with it, by name.
        writes: patterns of files that the actions may write; all others must stay as they are.
        share: of all cases, in relation to those of the others.
    """

    label: str
    make: Make
    targets: tuple[str, ...]
    damages: Mapping[str, Damage]
    checked: Mapping[str, Damage]
    actions: Mapping[str, Action]
    writes: tuple[str, ...] = ("out.json",)
    share: int = 2
