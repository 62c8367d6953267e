"""What a checkpoint file is, told from its bytes alone: nothing is unpickled, nothing runs."""

import pickletools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BUNDLE_MARK = "genprobe.bundle"
SAFE_PREFIXES = (
    "torch._utils._rebuild_",
    "torch.Size",
    "torch.storage.",
    "torch.serialization.",
    "torch._tensor.",
    "collections.OrderedDict",
)
LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """What a file turned out to be.

    Attributes:
        kind: ``bundle``, ``tensors``, ``pickle``, ``torchscript``, ``exported`` or ``unknown``.
        foreign: names the pickle would import that are not plain tensors, in order.
        detail: a few words for an error message.
    """

    kind: str
    foreign: tuple[str, ...] = ()
    detail: str = ""


def inspect_file(path: Path) -> FileKind:
    """What the file at a path is."""
    try:
        return inspect_zip(path) if zipfile.is_zipfile(path) else inspect_bytes(path)
    except OSError as error:
        return FileKind(kind="unknown", detail=f"it cannot be read ({error.strerror or error})")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError):
        return FileKind(kind="unknown", detail="its zip archive is damaged")


def inspect_bytes(path: Path) -> FileKind:
    """What a file that is no zip archive is."""
    with path.open("rb") as file:
        start = file.read(512)
        file.seek(0)
        if start[:1] == b"\x80":
            return inspect_pickles(file)
    if not start:
        return FileKind(kind="unknown", detail="it is empty")
    text = not any(byte < 9 for byte in start)
    return FileKind(
        kind="unknown", detail="it is text" if text else f"it starts with {start[:8]!r}"
    )


def inspect_zip(path: Path) -> FileKind:
    """What a zip archive is, from the names of its members and the opcodes of its pickle."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if any("/code/" in name or name.endswith("constants.pkl") for name in names):
            return FileKind(kind="torchscript")
        if any(
            name.endswith((".pt2", "model.json", "serialized_exported_program.json"))
            for name in names
        ):
            return FileKind(kind="exported")
        pickles = [name for name in names if name.endswith("data.pkl")]
        if not pickles:
            return FileKind(kind="unknown", detail="it is a zip archive without a checkpoint")
        with archive.open(pickles[0]) as file:
            return inspect_pickles(file)


def inspect_pickles(file: IO[bytes]) -> FileKind:
    """What one or several pickles in a row hold, read as opcodes."""
    imported: list[str] = []
    strings: list[str] = []
    try:
        for name, argument in opcodes(file):
            if name == "GLOBAL":
                imported.append(argument.replace(" ", "."))
            elif name == "STACK_GLOBAL":
                imported.append(".".join(strings[-2:]))
            elif "UNICODE" in name or "STRING" in name:
                strings.append(argument)
    except Exception:
        return FileKind(kind="unknown", detail="its pickle is damaged")
    foreign = tuple(dict.fromkeys(name for name in imported if not is_plain(name)))
    if foreign:
        return FileKind(kind="pickle", foreign=foreign)
    return FileKind(kind="bundle" if BUNDLE_MARK in strings else "tensors")


def opcodes(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Name and argument of every opcode; legacy torch files hold five pickles, then raw storage."""
    for position in range(5):
        legacy = False
        try:
            for opcode, argument, _ in pickletools.genops(file):
                legacy = legacy or argument == int.from_bytes(LEGACY_MAGIC, "little")
                yield opcode.name, argument if isinstance(argument, str) else ""
        except ValueError:
            if position == 0:
                raise
            return
        if position == 0 and not legacy:
            return


def is_plain(name: str) -> bool:
    """Whether a pickle's import is one that only builds tensors and containers."""
    storage = name.startswith("torch.") and name.endswith("Storage")
    dtype = name.startswith("torch.") and name.count(".") == 1 and name.split(".")[1].islower()
    return storage or dtype or name.startswith(SAFE_PREFIXES)
