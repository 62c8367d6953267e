"""Damage to pickles: opcodes that would run code, other arguments, other content."""

import io
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch

from fuzz.damage import Damage, Unfit
from fuzz.damage.archive import read_members, write_members
from fuzz.damage.text import CONTROLS, SIZES, places
from fuzz.outside import Outside


def planted_pickle(random: Random, outside: Outside) -> bytes:
    """Opcodes that make the canary when a pickle is run, and leave the stack as it was."""
    path = str(outside.canary)
    module, name, argument = random.choice(
        [
            ("posix", "system", f"touch {path}"),
            ("os", "system", f"touch {path}"),
            ("builtins", "exec", f"open({path!r}, 'w')"),
            ("builtins", "eval", f"open({path!r}, 'w')"),
            ("subprocess", "getoutput", f"touch {path}"),
            ("torch", "hub.load_state_dict_from_url", f"file://{path}"),
            ("os", "mkdir", path),
        ]
    )
    start = b"\x80\x04" if "." in name else b""
    text = argument.encode().replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    return start + f"c{module}\n{name}\n(S'".encode() + text + b"'\ntR0"


def opcodes(content: bytes) -> list[tuple[str, int, int]]:
    """Name, start and end of every opcode of a pickle, up to its end."""
    found = [(code.name, start) for code, _, start in pickletools.genops(content)]
    stops = [start for _, start in found[1:]] + [found[-1][1] + 1]
    return [(name, start, stop) for (name, start), stop in zip(found, stops, strict=True)]


def planted(content: bytes, random: Random, outside: Outside) -> bytes:
    """A pickle in which code is planted between two opcodes."""
    after = [stop for name, _, stop in opcodes(content)[:-1] if name not in ("MARK", "FRAME")]
    at = random.choice([after[0], random.choice(after)])
    return content[:at] + planted_pickle(random, outside) + content[at:]


def other_global(content: bytes, random: Random, outside: Outside) -> bytes:
    """A pickle that imports something else where it imports."""
    spots = [o for o in opcodes(content) if o[0] == "GLOBAL"]
    if not spots:
        raise Unfit
    _, start, stop = random.choice(spots)
    others = ["posix system", "builtins eval", "torch nn.Module", "planted build", "a\x1b b"]
    others += ["torch._utils _rebuild_parameter", "torch._utils _rebuild_qtensor", "torch load"]
    module, name = random.choice(others).split(" ")
    return content[:start] + f"c{module}\n{name}\n".encode() + content[stop:]


def other_integer(content: bytes, random: Random, outside: Outside) -> bytes:
    """A pickle with another integer: sizes, strides, offsets."""
    names = ("BININT", "BININT1", "BININT2", "LONG1")
    spots = [o for o in opcodes(content) if o[0] in names]
    if not spots:
        raise Unfit
    _, start, stop = random.choice(spots)
    value = random.choice([*(s for s in SIZES if isinstance(s, int)), -(2**31), 3])
    dumped = pickle.dumps(value, 2)[2:-1]
    return content[:start] + dumped + content[stop:]


def other_text(content: bytes, random: Random, outside: Outside) -> bytes:
    """A pickle with another text: keys, names, kinds of storages."""
    names = ("BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINSTRING")
    spots = [o for o in opcodes(content) if o[0] in names]
    if not spots:
        raise Unfit
    _, start, stop = random.choice(spots)
    value = random.choice([*CONTROLS, "", "planted:build", "python:planted:build", "cuda", "99"])
    encoded = value.encode()
    return content[:start] + b"X" + len(encoded).to_bytes(4, "little") + encoded + content[stop:]


def fewer_opcodes(content: bytes, random: Random, outside: Outside) -> bytes:
    """A pickle without one of its opcodes."""
    _, start, stop = random.choice(opcodes(content))
    return content[:start] + content[stop:]


def deep(content: bytes, random: Random, outside: Outside) -> bytes:
    """A pickle of lists in lists, 100,000 deep, or one that doubles its content again and again."""
    if random.random() < 0.5:
        return b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    return b"\x80\x02]q\x00" + b"(h\x00h\x00l0" * 10 + b"(" + b"h\x00" * 100_000 + b"t."


def on_pickle(change: Callable[[bytes, Random, Outside], bytes]) -> Damage:
    """A damage of the pickle in a checkpoint, whichever way torch wrote it."""

    def damage(path: Path, random: Random, outside: Outside) -> None:
        if not zipfile.is_zipfile(path):
            content = path.read_bytes()
            start, stop = main_pickle(content)
            changed = change(content[start:stop], random, outside)
            path.write_bytes(content[:start] + changed + content[stop:])
            return
        members, compression = read_members(path)
        found = [i for i, (name, _) in enumerate(members) if name.endswith(".pkl")]
        if not found:
            raise Unfit
        i = random.choice(found)
        members[i] = (members[i][0], change(members[i][1], random, outside))
        write_members(path, members, compression)

    return damage


def main_pickle(content: bytes) -> tuple[int, int]:
    """Where the longest pickle begins and ends, of those that a file of torch begins with."""
    spans, start = [], 0
    with io.BytesIO(content) as file:
        for _ in range(5):
            try:
                for _opcode in pickletools.genops(file):
                    pass
            except Exception:  # storages follow, as raw bytes
                break
            spans.append((start, file.tell()))
            start = file.tell()
    if not spans:
        raise Unfit
    return max(spans, key=lambda span: span[1] - span[0])


class Planted:
    """An object that makes the canary when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is unpickled."""
        return open, (str(self.path), "w")


def other_content(path: Path, random: Random, outside: Outside) -> None:
    """A checkpoint in which one value is of another type or size, saved anew."""
    zipped = zipfile.is_zipfile(path)
    content = torch.load(path, map_location="cpu", weights_only=False)
    every = places(content)
    if not every:
        raise Unfit
    container, key = random.choice(every)
    others: list[Any] = [None, True, 3, 2.5, "text", [], {}, b"bytes", {3: 4}, torch.ones(2, 3)]
    others += [10**12, -1, *CONTROLS, torch.full((4,), float("nan")), torch.ones(3).to_sparse()]
    others += [torch.empty(4, device="meta"), torch.ones(2, dtype=torch.complex64)]
    others += ["planted:build", "python:planted:build", str(outside.words), Planted(outside.canary)]
    kind = random.choice(["value", "value", "key", "gone"])
    if kind == "value" or isinstance(container, list):
        container[key] = random.choice(others)
    elif kind == "key":
        container[random.choice([3, None, (1, 2), b"bytes", "", *CONTROLS])] = container.pop(key)
    else:
        del container[key]
    torch.save(content, path, _use_new_zipfile_serialization=zipped)


PICKLES: dict[str, Damage] = {
    "planted": on_pickle(planted),
    "other-global": on_pickle(other_global),
    "other-integer": on_pickle(other_integer),
    "other-text": on_pickle(other_text),
    "fewer-opcodes": on_pickle(fewer_opcodes),
    "deep": on_pickle(deep),
    "other-content": other_content,
}
