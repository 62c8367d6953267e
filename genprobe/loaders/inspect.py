"""What a checkpoint file is, told from its bytes alone: nothing is unpickled, nothing runs.

Which imports of a checkpoint are safe is torch's to say: those that ``weights_only=True`` admits by
itself, or that the user admitted with ``torch.serialization.add_safe_globals``. torch lists the
others for the zip archives that it writes today. The pickles of its older format are put into such
archives for it. Whatever else is a pickle never loads as tensors, and is read to name its imports
in the refusal.
"""

import io
import pickle
import pickletools
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from torch.serialization import get_unsafe_globals_in_checkpoint

from genprobe.runtime.checked_zip import ZIP_MAGIC, checked_zip
from genprobe.runtime.hdf5 import HDF5_MAGIC

BUNDLE_MARK = "genprobe.bundle"
PICKLE_MAGIC = b"\x80"
LEGACY_STARTS = [pickle.dumps(0x1950A86A20F9469CFC6C, protocol) for protocol in (2, 3, 4, 5)]
LEGACY_PICKLES = 5
"""Magic number, protocol, system, content and keys of the storages, which follow as raw bytes."""
LONGEST_HEADER = 100_000_000
"""Bytes of the JSON that safetensors begins with, after its length in eight bytes, are fewer."""
EXPORTED = (".pt2", "model.json", "serialized_exported_program.json")
DAMAGED = "its pickle is damaged"
FOREIGN = "it holds something else than torch.save writes"


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """What a file turned out to be.

    Attributes:
        kind: ``bundle``, ``tensors``, ``safetensors``, ``pickle``, ``torchscript``, ``exported`` or
            ``unknown``.
        foreign: names the pickle would import that torch does not call safe, torch's own last.
        detail: a few words for an error message.
    """

    kind: str
    foreign: tuple[str, ...] = ()
    detail: str = ""


def inspect_file(path: Path) -> FileKind:
    """What the file at a path is.

    Example:
        >>> from importlib.resources import as_file, files
        >>> with as_file(files("genprobe.demo") / "beta-0.9.pt") as path:
        ...     inspect_file(path).kind
        'bundle'
    """
    try:
        with path.open("rb") as file:
            start = file.read(512)
            file.seek(0)
            if start.startswith(ZIP_MAGIC):  # torch looks nowhere else for an archive
                return inspect_zip(path)
            if start.startswith(PICKLE_MAGIC):
                return inspect_stream(file)
    except OSError as error:
        return FileKind(kind="unknown", detail=f"it cannot be read ({error.strerror or error})")
    if start.startswith(HDF5_MAGIC):
        return FileKind(kind="unknown", detail="it is an HDF5 file")
    if not start:
        return FileKind(kind="unknown", detail="it is empty")
    if start[8:9] == b"{" and 2 <= int.from_bytes(start[:8], "little") < LONGEST_HEADER:
        return FileKind(kind="safetensors")
    text = not any(byte < 9 for byte in start)
    return FileKind(
        kind="unknown", detail="it is text" if text else f"it starts with {start[:8]!r}"
    )


def inspect_zip(path: Path) -> FileKind:
    """What a zip archive is, from the names of its members and the imports of its pickle."""
    try:
        with checked_zip(path, content=False) as archive:
            names = archive.namelist()
            if any("/code/" in name or name.endswith("constants.pkl") for name in names):
                return FileKind(kind="torchscript")
            if any(name.endswith(EXPORTED) for name in names):
                return FileKind(kind="exported")
            pickles = [name for name in names if name.endswith("data.pkl")]
            if len(pickles) != 1:
                found = "with several checkpoints" if pickles else "without a checkpoint"
                return FileKind(kind="unknown", detail=f"it is a zip archive {found}")
            content = archive.read(pickles[0])
    except OSError:
        raise
    except Exception:  # damaged bytes raise almost anything
        return FileKind(kind="unknown", detail="its zip archive is damaged")
    return inspect_checkpoint([content], [path])


def inspect_stream(file: IO[bytes]) -> FileKind:
    """What a file that begins with a pickle is."""
    try:
        pickles = [next_pickle(file)]
        if pickles[0] not in LEGACY_STARTS:
            return refused(pickles)
        pickles += [next_pickle(file) for _ in range(LEGACY_PICKLES - 1)]
    except OSError:
        raise
    except Exception:  # damaged bytes raise almost anything
        return FileKind(kind="unknown", detail=DAMAGED)
    return inspect_checkpoint(pickles, [as_archive(content) for content in pickles])


def next_pickle(file: IO[bytes]) -> bytes:
    """The pickle that starts here, disassembled to find its end."""
    start = file.tell()
    for _ in pickletools.genops(file):
        pass
    length = file.tell() - start
    file.seek(start)
    return file.read(length)


def as_archive(content: bytes) -> IO[bytes]:
    """A pickle as the content of a checkpoint in torch's format of today."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3")
    buffer.seek(0)
    return buffer


def inspect_checkpoint(pickles: Sequence[bytes], archives: Sequence[Path | IO[bytes]]) -> FileKind:
    """What a checkpoint holds.

    Args:
        pickles: in it.
        archives: that torch finds them in.
    """
    try:
        unsafe = {name for file in archives for name in get_unsafe_globals_in_checkpoint(file)}
    except Exception:  # a protocol that weights_only=True does not read, or damaged bytes
        return refused(pickles)
    if unsafe:
        return importing(unsafe)
    bundle = any(BUNDLE_MARK.encode() in content for content in pickles)
    return FileKind(kind="bundle" if bundle else "tensors")


def refused(pickles: Sequence[bytes]) -> FileKind:
    """What pickles hold that torch does not read as tensors, safe or not."""
    try:
        found = {name for content in pickles for name in imports(content)}
    except Exception:  # damaged bytes raise almost anything
        return FileKind(kind="unknown", detail=DAMAGED)
    return importing(found) if found else FileKind(kind="unknown", detail=FOREIGN)


def importing(names: Iterable[str]) -> FileKind:
    """A pickle of these imports, with torch's own last: messages name the first few."""
    foreign = sorted(names, key=lambda name: (name.startswith("torch."), name))
    return FileKind(kind="pickle", foreign=tuple(foreign))


def imports(content: bytes) -> Iterator[str]:
    """Every import of a pickle of any protocol."""
    texts: list[str] = []
    memo: dict[int, str] = {}
    argument: Any  # of whatever type its opcode takes
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("GLOBAL", "INST"):
            yield argument.replace(" ", ".")
        elif opcode.name == "STACK_GLOBAL":
            yield ".".join(texts[-2:])
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = texts[-1] if texts else ""
        elif opcode.name.endswith("GET"):
            texts.append(memo.get(argument, ""))
        elif isinstance(argument, str):
            texts.append(argument)
