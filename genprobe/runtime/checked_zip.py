"""Zip archives whose bytes are checked before they are used.

torch's reader compares no checksum, and numpy's none of an array that it reads in part: a bit that
has flipped would give other numbers without a word. Archives may also be made so that two readers
find different things in them: two members of one name, members that share bytes, headers that
disagree. All of these are refused.
"""

import contextlib
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from genprobe.runtime.untrusted import require_backed

ZIP_MAGIC = b"PK\x03\x04"
LOCAL = struct.Struct("<4s5H3L2H")
"""The header before a member: magic, version, flags, method, time, date, CRC, sizes, names."""
ENCRYPTED, DESCRIBED_LATER, UTF8 = 0x1, 0x8, 0x800
"""Flags of a member: it is encrypted; sizes and CRC follow it; how its name is written."""
IN_EXTRA = 0xFFFFFFFF
"""Stands for a size that is in a field of its own, as those beyond four gigabytes are."""
NEAR = 64
"""Bytes after a member within which the next begins; sizes and a CRC may be between the two."""
AT_ONCE = 1 << 20


def require_intact(path: Path) -> None:
    """Check a file whole if it is a zip archive; torch and this project tell that by its start.

    Args:
        path: of any file.

    Raises:
        BadZipFile: as ``checked_zip``.
        OSError: if it does not open.

    Example:
        >>> from importlib.resources import as_file, files
        >>> with as_file(files("genprobe.demo") / "beta-0.9.pt") as path:
        ...     require_intact(path)
    """
    with path.open("rb") as file:
        archived = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
    if archived:
        with checked_zip(path):
            pass


@contextlib.contextmanager
def checked_zip(path: Path, content: bool = True) -> Iterator[zipfile.ZipFile]:
    """A zip archive that is sound, and of which every byte that counts is as it was written.

    Args:
        path: of the archive.
        content: whether to read all members for their checksums; what is read to its end through
            the archive is checked then, in any case.

    Raises:
        BadZipFile: if it is damaged, or made to be read in two ways.
        OSError: if it does not open.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.zip")
        ...     with zipfile.ZipFile(path, "w") as archive:
        ...         archive.writestr("x", b"12345")
        ...     _ = path.write_bytes(path.read_bytes().replace(b"12345", b"12355"))
        ...     with checked_zip(path) as archive:
        ...         pass
        Traceback (most recent call last):
            ...
        zipfile.BadZipFile: Bad CRC-32 for file 'x'
    """
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        require_sound(archive, file)
        if not any(info.CRC for info in archive.infolist()):
            forget_checksums(archive)
        elif content:
            require_checksums(archive)
        yield archive


def require_sound(archive: zipfile.ZipFile, file: IO[bytes]) -> None:
    """Check that the members are where the directory says, one after another, under one name each.

    Args:
        archive: that was opened.
        file: the same, to read from.

    Raises:
        BadZipFile: if not.
    """
    members = sorted(archive.infolist(), key=lambda info: info.header_offset)
    if len({info.filename for info in members}) < len(members):
        raise zipfile.BadZipFile("two members have one name")
    free = 0
    for info in members:
        if info.header_offset < free:
            raise zipfile.BadZipFile(f"{info.filename} overlaps another member")
        require_none_between(free, info.header_offset, file)
        free = end_of(info, file)
    if free > archive.start_dir:
        raise zipfile.BadZipFile("a member overlaps the directory")
    require_none_between(free, archive.start_dir, file)


def require_none_between(start: int, stop: int, file: IO[bytes]) -> None:
    """Check that no member is in a gap: one that the directory lost would be missed by nobody.

    Args:
        start: where the gap begins, after a member.
        stop: where it ends.
        file: the archive.

    Raises:
        BadZipFile: if one is there.
    """
    file.seek(start)
    if ZIP_MAGIC in file.read(min(NEAR, stop - start)):
        raise zipfile.BadZipFile("it has a member that its directory does not list")


def end_of(info: zipfile.ZipInfo, file: IO[bytes]) -> int:
    """Where a member ends, if its own header says of it what the directory says.

    Args:
        info: what the directory says.
        file: the archive.

    Raises:
        BadZipFile: if they disagree, or it claims what cannot be in it.
    """
    file.seek(info.header_offset)
    header = file.read(LOCAL.size)
    if len(header) < LOCAL.size:
        raise zipfile.BadZipFile(f"{info.filename} is cut short")
    _, _, flags, method, _, _, crc, packed, size, name, extra = LOCAL.unpack(header)
    named = str(file.read(name), "utf-8" if flags & UTF8 else "cp437", "replace")
    known = [(crc, info.CRC), (packed, info.compress_size), (size, info.file_size)]
    if flags & DESCRIBED_LATER:
        known = []
    differ = any(here not in (there, IN_EXTRA) for here, there in known)
    here, there = (named, flags, method), (info.orig_filename, info.flag_bits, info.compress_type)
    if differ or here != there or flags & ENCRYPTED:
        raise zipfile.BadZipFile(f"the two headers of {info.filename} disagree")
    stored = info.compress_type == zipfile.ZIP_STORED
    if stored and info.file_size != info.compress_size:
        raise zipfile.BadZipFile(f"{info.filename} is not of the size that it claims")
    require_backed(info.filename, info.file_size, info.compress_size, packed=not stored)
    start: int = info.header_offset + LOCAL.size + name + extra
    return start + info.compress_size


def require_checksums(archive: zipfile.ZipFile) -> None:
    """Read every member, which compares its checksum.

    Raises:
        BadZipFile: naming the first that differs.
    """
    for info in archive.infolist():
        with archive.open(info) as member:
            while member.read(AT_ONCE):
                pass


def forget_checksums(archive: zipfile.ZipFile) -> None:
    """Let an archive be read that has no checksums: torch writes them only if it is told so.

    See ``torch.serialization.set_crc32_options``.
    """
    for info in archive.infolist():
        del info.CRC  # without one nothing is compared
