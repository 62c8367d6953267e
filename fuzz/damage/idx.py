"""Damage to the header of IDX files, and to the text of their gzip."""

import gzip
from pathlib import Path
from random import Random

from fuzz.damage import Damage
from fuzz.outside import Outside


def other_header(path: Path, random: Random, outside: Outside) -> None:
    """The type, the number of axes or a size is another; a gzipped file is gzipped again."""
    content = path.read_bytes()
    zipped = content[:2] == b"\x1f\x8b"
    plain = bytearray(gzip.decompress(content) if zipped else content)
    at = random.choice([2, 3, *range(4, 20)])
    plain[at] = random.choice([0, 1, 2, 8, 9, 13, 14, 255])
    path.write_bytes(gzip.compress(bytes(plain), mtime=0) if zipped else plain)


def bomb(path: Path, random: Random, outside: Outside) -> None:
    """The file is gzipped zeros, 64 MB of them."""
    path.write_bytes(gzip.compress(bytes(1 << 26), 1, mtime=0))


IDX: dict[str, Damage] = {"idx-header": other_header}
GZIP: dict[str, Damage] = {"gzip-bomb": bomb}
