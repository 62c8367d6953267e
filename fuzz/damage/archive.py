"""Damage to zip archives: .npz, checkpoints of torch, exported programs."""

import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzz.damage import Damage, Unfit
from fuzz.damage.raw import flip
from fuzz.damage.text import CHANGES, Change, change_text
from fuzz.outside import Outside

Member = tuple[str, bytes]
Rewrite = Callable[[list[Member], Random, Outside], list[Member]]


def read_members(path: Path) -> tuple[list[Member], int]:
    """The members of an archive, and how they are compressed."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        return [(info.filename, archive.read(info)) for info in infos], infos[0].compress_type


def write_members(path: Path, members: list[Member], compression: int) -> None:
    """Write an archive whose checksums are right."""
    with zipfile.ZipFile(path, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of two members of one name
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compression)


def on_members(rewrite: Rewrite) -> Damage:
    """A damage from a function of an archive's members."""

    def damage(path: Path, random: Random, outside: Outside) -> None:
        members, compression = read_members(path)
        write_members(path, rewrite(members, random, outside), compression)

    return damage


def renamed(members: list[Member], random: Random, outside: Outside) -> list[Member]:
    """A member has another name, perhaps one that leads outside."""
    i = random.randrange(len(members))
    name, content = members[i]
    others = [f"{name}x", name.upper(), f"../{outside.folder.name}/secret.txt", f"/{name}"]
    others += ["\x1b[2J.npy", "", f"{name}/", name.replace("/", "\\"), str(outside.canary)]
    members[i] = (random.choice(others), content)
    return members


def removed(members: list[Member], random: Random, outside: Outside) -> list[Member]:
    """A member is not there."""
    members.pop(random.randrange(len(members)))
    return members


def added(members: list[Member], random: Random, outside: Outside) -> list[Member]:
    """There is a member more, perhaps of a name that is there or that means code."""
    name, content = random.choice(members)
    folder = name.partition("/")[0]
    names = [name, f"{folder}/code/__torch__.py", f"{folder}/constants.pkl", "more.npy"]
    names += [f"{folder}/data/aotinductor/model/a.so", "__init__.py", f"{folder}/data.pkl"]
    return [*members, (random.choice(names), random.choice([content, b"", b"text"]))]


def flipped(members: list[Member], random: Random, outside: Outside) -> list[Member]:
    """Bits of a member are flipped, and its checksum is that of the new content."""
    full = [i for i, (_, content) in enumerate(members) if content]
    i = random.choice(full)
    name, content = members[i]
    members[i] = (name, bytes(flip(bytearray(content), random, random.choice([1, 1, 4, 64]))))
    return members


def enormous(members: list[Member], random: Random, outside: Outside) -> list[Member]:
    """A member is 16 MB of zeros."""
    i = random.randrange(len(members))
    members[i] = (members[i][0], members[i][1][:128] + bytes(1 << 24))
    return members


def checksum_kept(path: Path, random: Random, outside: Outside) -> None:
    """A bit of a member's bytes is flipped, and its checksum is the old one."""
    with zipfile.ZipFile(path) as archive:
        full = [info for info in archive.infolist() if info.compress_size]
    info, content = random.choice(full), bytearray(path.read_bytes())
    name_length, extra_length = struct.unpack_from("<HH", content, info.header_offset + 26)
    start = info.header_offset + 30 + name_length + extra_length
    content[start + random.randrange(info.compress_size)] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def directory(path: Path, random: Random, outside: Outside) -> None:
    """A field of the central directory is another: sizes, offsets, flags, compression."""
    content = bytearray(path.read_bytes())
    entries = [i for i in range(len(content) - 46) if content[i : i + 4] == b"PK\x01\x02"]
    if not entries:
        raise Unfit
    start = random.choice(entries)
    offset, size = random.choice([(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (42, 4)])
    value = random.choice([0, 1, 0xFF, 2 ** (8 * size) - 1, random.getrandbits(8 * size)])
    content[start + offset : start + offset + size] = value.to_bytes(size, "little")
    path.write_bytes(content)


def on_json_member(change: Change) -> Damage:
    """A damage of a member that is JSON."""

    def rewrite(members: list[Member], random: Random, outside: Outside) -> list[Member]:
        texts = [i for i, (name, content) in enumerate(members) if content[:1] in (b"{", b"[")]
        if not texts:
            raise Unfit
        i = random.choice(texts)
        text = change_text(members[i][1].decode(), change, random, outside)
        members[i] = (members[i][0], text.encode())
        return members

    return on_members(rewrite)


DIRECTORY: dict[str, Damage] = {"checksum-kept": checksum_kept, "directory": directory}
"""What the checksums of the members find."""
ARCHIVE: dict[str, Damage] = {
    "member-renamed": on_members(renamed),
    "member-removed": on_members(removed),
    "member-added": on_members(added),
    "member-flipped": on_members(flipped),
    "member-enormous": on_members(enormous),
}
MEMBER_JSON: dict[str, Damage] = {f"member-{k}": on_json_member(v) for k, v in CHANGES.items()}
