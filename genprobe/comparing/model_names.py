"""What several models go by: their names, shortened to what tells them apart.

The words and folders that all names begin and end with are left out. A short name is never a bare
number: ``beta-0.05`` beside ``beta-0.9`` stays what it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len

from genprobe.escape import escape

LONGEST = 28
"""Columns of a terminal that a short name takes at most."""
CONTEXT = 6
"""Characters that are left around what differs within a word."""
NAMELESS = "model"
DOT = r"(?:(?<!\d)\.|\.(?!\d))(?![A-Za-z]\w*$)"
SIGN = r"(?<!\d[eE])-|-(?!\d)"
SEPARATOR = re.compile(rf"((?:[_/\\,;:=+()\[\]{{}}@\s]|{DOT}|{SIGN})+)")
"""What stands between words; the point of 0.05, that of .pt and the sign of 1e-3 do not."""
FILE_KIND = re.compile(r"(\.report)?\.[A-Za-z]\w*$")
"""The end of a file's name that says what it is; that of ``beta-0.5`` does not."""


def model_names(models: Sequence[str], origins: Sequence[str]) -> list[str]:
    """What each model goes by: short, never empty, and no two alike.

    Names tell models apart where all differ. Where all are the same, their files do; where some
    are, the file stands behind the name.

    Args:
        models: their names.
        origins: where each is from; empty where nothing says.

    >>> model_names(["vae", "vae"], ["runs/a/seed-1/model.pt", "runs/b/seed-1/model.pt"])
    ['a', 'b']
    >>> model_names(["vae", "vae", "flow"], ["runs/a/model.pt", "runs/b/model.pt", "flow.pt"])
    ['vae (a)', 'vae (b)', 'flow']
    """
    if len(models) < 2:
        return [spelt(model) for model in models]
    counts = Counter(models)
    if len(counts) == 1 and tells(origins):
        return short_names(bare_files(origins))
    short = dict(zip(counts, short_names(list(counts)), strict=True))
    found = [short[model] for model in models]
    for model, count in counts.items():
        same = [i for i, name in enumerate(models) if name == model]
        files = [origins[i] for i in same]
        if count > 1 and tells(files):
            for i, file in zip(same, short_names(bare_files(files)), strict=True):
                found[i] = f"{short[model]} ({file})"
    return numbered(fitting(found))


def short_names(names: Sequence[str]) -> list[str]:
    """Names without the words that all begin and end with; no two alike, however alike they are.

    Args:
        names: of models, or paths.

    >>> short_names(["vae_final_v2_lr1e-3_b4_s1", "vae_final_v2_lr1e-3_b8_s1"])
    ['b4', 'b8']
    >>> short_names(["runs/1/model.pt", "runs/2/model.pt"])
    ['runs/1', 'runs/2']
    """
    shown = [spelt(name) for name in names]
    distinct = list(dict.fromkeys(shown))
    if len(distinct) > 1:
        short = dict(zip(distinct, fitting(without_shared_words(distinct)), strict=True))
        shown = [short[name] for name in shown]
    return numbered(fitting(shown))


def spelt(name: str) -> str:
    """A name as every view shows it: on one line, with single blanks."""
    return " ".join(escape(name).split()) or NAMELESS


def tells(origins: Sequence[str]) -> bool:
    """Whether each model has an origin of its own."""
    return all(origins) and len(set(origins)) == len(origins)


def bare_files(origins: Sequence[str]) -> list[str]:
    """Paths without the ends that say what kind of file they are, if they then still differ."""
    bare = [FILE_KIND.sub("", origin) for origin in origins]
    return bare if tells(bare) else list(origins)


def without_shared_words(names: Sequence[str]) -> list[str]:
    """Names that all differ without the words that they begin and end with alike."""
    words = [SEPARATOR.split(name) for name in names]
    head = shared(words)
    tail = shared([each[head:][::-1] for each in words])

    def cores() -> list[str]:
        return ["".join(each[head : len(each) - tail]) for each in words]

    while head and not all(core[:1].isalpha() for core in cores()):
        head -= 2
    while tail and not all(any(map(str.isalpha, core)) for core in cores()):
        tail -= 2
    return cores()


def shared(words: Sequence[Sequence[str]]) -> int:
    """How many words and separators all begin with alike, such that a word is left of each."""
    return min(agreeing(words), min(map(len, words)) - 1) // 2 * 2


def agreeing(sequences: Sequence[Sequence[Any]]) -> int:
    """How many items all sequences begin with alike."""
    alike = (len(set(step)) == 1 for step in zip(*sequences, strict=False))
    return next((i for i, same in enumerate(alike) if not same), min(map(len, sequences)))


def fitting(names: Sequence[str]) -> list[str]:
    """Names of so many columns that all differ; those that are longer lose what says least."""
    ways: list[Callable[[Sequence[str]], Sequence[str]]] = [
        list,
        without_constant_words,
        around_what_differs,
        lambda long: [cut(name, 2 / 3) for name in long],
        lambda long: [cut(name, 1 / 3) for name in long],
    ]
    for way in ways:
        found = [
            new if cell_len(old) > LONGEST else old
            for old, new in zip(names, way(names), strict=True)
        ]
        if len(set(found)) == len(set(names)) and max(map(cell_len, found)) <= LONGEST:
            return found
    longest = LONGEST - len(f" #{len(names)}")
    return numbered([cut(name, 2 / 3, longest) for name in names])


def without_constant_words(names: Sequence[str]) -> list[str]:
    """Names of equally many words with … for those within that all share."""
    words = [SEPARATOR.split(name) for name in names]
    if len({len(each) for each in words}) > 1:
        return list(names)
    constant = [len(set(step)) == 1 for step in zip(*words, strict=True)]
    found = []
    for each in words:
        marked = (
            "\0" if same and i % 2 == 0 else word
            for i, (word, same) in enumerate(zip(each, constant, strict=True))
        )
        found.append(re.sub(r"\0(?:[\W_]*\0)*", "…", "".join(marked)))
    return found


def around_what_differs(names: Sequence[str]) -> list[str]:
    """Names with a few characters around what differs, and … for the rest."""
    head = agreeing(names)
    tail = agreeing([name[head:][::-1] for name in names])
    first = max(0, head - CONTEXT)
    found = []
    for name in names:
        last = min(len(name), len(name) - tail + CONTEXT)
        found.append(f"{'…' * (first > 0)}{name[first:last]}{'…' * (last < len(name))}")
    return found


def cut(name: str, share: float, columns: int = LONGEST) -> str:
    """A name of so many columns, its middle cut if it is longer.

    Args:
        name: to be cut.
        share: of what is left that is the beginning of the name.
        columns: most.
    """
    most = columns * len(name) // max(1, cell_len(name))
    if len(name) <= most:
        return name
    head = round(share * (most - 1))
    return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"


def numbered(names: Sequence[str]) -> list[str]:
    """Names with numbers where one occurs several times, until none does.

    >>> numbered(["a", "b", "a"])
    ['a #1', 'b', 'a #2']
    """
    total, seen = Counter(names), Counter[str]()
    if len(total) == len(names):
        return list(names)
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} #{seen[name]}" if total[name] > 1 else name)
    return numbered(found)
