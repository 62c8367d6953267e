"""What is logged alike of several models: once at first, and in one line for all the others."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LEAST_STEM = 3
"""Letters of a name that is taken for a model's wherever it stands; "a" is a word."""
SLOT = "\x00{}\x00"
"""Stands for one of the ways to name a model."""


class Repeats(logging.Filter):
    """Lets a record through the first time, whichever model it names; keeps who came after.

    Args:
        models: as named on the command line.
    """

    def __init__(self, models: Sequence[str]) -> None:
        super().__init__()
        self.models, self.position = models, 0
        self.seen: dict[str, list[int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is the first of its kind."""
        kind = without_names(record.getMessage(), names_of(self.models[self.position]))
        of = self.seen.setdefault(kind, [])
        of.append(self.position)
        return len(of) == 1

    def rest(self) -> Iterator[str]:
        """A line for each record that names a model and came up for others, with their names."""
        for kind, positions in self.seen.items():
            others = [names_of(self.models[i]) for i in dict.fromkeys(positions[1:])]
            if others and SLOT[0] in kind:
                for way, each in enumerate(zip(*others, strict=True)):
                    kind = kind.replace(SLOT.format(way), ", ".join(each))
                yield kind


@contextmanager
def said_once(models: Sequence[str]) -> Iterator[Repeats]:
    """While several models are evaluated, log what is alike once; at the end name the others.

    Args:
        models: as named on the command line; one model logs as it does.
    """
    log, repeats = logging.getLogger("genprobe"), Repeats(models)
    if len(models) > 1:
        log.addFilter(repeats)
    try:
        yield repeats
    finally:
        log.removeFilter(repeats)
        for line in repeats.rest() if len(models) > 1 else ():
            log.info(line)


def names_of(model: str) -> tuple[str, str, str]:
    """The ways in which a message may name a model: its path, its file, and that without its end.

    >>> names_of("runs/vae.pt")
    ('runs/vae.pt', 'vae.pt', 'vae')
    """
    path = Path(model)
    return model, path.name, path.stem


def without_names(text: str, names: Sequence[str]) -> str:
    """A message with slots in the place of a model's names."""
    for way, name in enumerate(names):
        if len(name) >= LEAST_STEM:
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", SLOT.format(way), text)
    return text
