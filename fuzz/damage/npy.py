"""Damage to the header of .npy arrays, in files of their own and in .npz archives."""

import ast
import pickle
import struct
from pathlib import Path
from random import Random
from typing import Any

from fuzz.damage import Damage, Unfit
from fuzz.damage.archive import Member, on_members
from fuzz.damage.pickles import planted_pickle
from fuzz.outside import Outside

MAGIC = b"\x93NUMPY\x01\x00"
SHAPES: tuple[Any, ...] = (2**62, 2**31, -1, 0, 1, "3", None, 1.5)
DTYPES: tuple[Any, ...] = ("|O", "<f4", ">f8", "<U9", "|S3", "<c16", "<M8[s]", "|V8", "b", "?", 3)


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of an array, and the bytes of its values."""
    if not content.startswith(MAGIC):
        raise Unfit
    (length,) = struct.unpack_from("<H", content, 8)
    return ast.literal_eval(content[10 : 10 + length].decode("latin1")), content[10 + length :]


def joined(header: str, values: bytes) -> bytes:
    """An array with a header, however long."""
    text = f"{header}\n".encode()[:65_535]
    return MAGIC + struct.pack("<H", len(text)) + text + values


def other_header(content: bytes, random: Random, outside: Outside) -> bytes:
    """An array whose header says another shape, type or order, or is no header."""
    found, values = split(content)
    kind = random.choice(["shape", "shape", "descr", "fortran_order", "text", "pickle"])
    if kind == "shape":
        shape = list(found["shape"]) or [1]
        shape[random.randrange(len(shape))] = random.choice(SHAPES)
        found["shape"] = tuple(shape) if random.random() < 0.8 else random.choice(SHAPES)
    elif kind == "descr":
        found["descr"] = random.choice([*DTYPES, [("a", "<f4"), ("b", "<i4")]])
    elif kind == "fortran_order":
        found["fortran_order"] = random.choice([True, 3, "no"])
    elif kind == "pickle":
        return joined(repr(found | {"descr": "|O"}), planted_pickle(random, outside))
    else:
        run = f"open({str(outside.canary)!r}, 'w')"
        text = random.choice(["{" * 5000, "(" * 5000 + ")" * 5000, run, "", f"{{'shape': {run}}}"])
        return joined(text, values)
    return joined(repr(found), values)


def npy_file(path: Path, random: Random, outside: Outside) -> None:
    """The header of a .npy file is another."""
    path.write_bytes(other_header(path.read_bytes(), random, outside))


def npy_member(members: list[Member], random: Random, outside: Outside) -> list[Member]:
    """The header of an array in an archive is another."""
    found = [i for i, (_, content) in enumerate(members) if content.startswith(MAGIC)]
    if not found:
        raise Unfit
    i = random.choice(found)
    members[i] = (members[i][0], other_header(members[i][1], random, outside))
    return members


def pickled(path: Path, random: Random, outside: Outside) -> None:
    """The whole file is a pickle that would run code."""
    path.write_bytes(planted_pickle(random, outside) + pickle.dumps(0))


NPY: dict[str, Damage] = {"npy-header": npy_file, "a-pickle": pickled}
NPZ: dict[str, Damage] = {"npz-header": on_members(npy_member), "a-pickle": pickled}
