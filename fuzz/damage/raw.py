"""Damage to bytes, whatever they mean: what disks, transfers and full volumes do."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from fuzz.damage import Damage, Unfit
from fuzz.outside import Outside


def on_bytes(change: Callable[[bytearray, Random], bytes | bytearray]) -> Damage:
    """A damage from a function of a file's bytes."""

    def damage(path: Path, random: Random, outside: Outside) -> None:
        content = bytearray(path.read_bytes())
        if len(content) < 2:
            raise Unfit
        path.write_bytes(change(content, random))

    return damage


def flip(content: bytearray, random: Random, count: int) -> bytearray:
    """Content with some bits flipped."""
    for _ in range(count):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return content


def stretch(content: bytearray, random: Random) -> tuple[int, int]:
    """The first byte of a random stretch and the one after its last; short ones are as likely."""
    longest = max(1, len(content) // 8)
    length = min(longest, 1 << random.randrange(longest.bit_length()))
    start = random.randrange(len(content) - length + 1)
    return start, start + length


def overwrite(content: bytearray, random: Random, byte: int | None) -> bytearray:
    """Content with a stretch set to one byte, or to noise."""
    start, stop = stretch(content, random)
    length = stop - start
    content[start:stop] = random.randbytes(length) if byte is None else bytes([byte]) * length
    return content


def truncate(content: bytearray, random: Random) -> bytearray:
    """Content that ends early, often at a round number."""
    step = random.choice([1, 1, 512, 4096])
    return content[: random.randrange(max(1, len(content) // step)) * step]


def extend(content: bytearray, random: Random) -> bytearray:
    """Content with more after its end."""
    more = random.choice([1, 7, 512, 4096])
    return content + random.choice([bytes(more), random.randbytes(more), bytes(content[:more])])


def swap_blocks(content: bytearray, random: Random) -> bytearray:
    """Content with two stretches of one length exchanged."""
    start, stop = stretch(content, random)
    other = random.randrange(len(content) - (stop - start) + 1)
    first, second = bytes(content[start:stop]), bytes(content[other : other + stop - start])
    content[start:stop] = second
    content[other : other + stop - start] = first
    return content


def copy_block(content: bytearray, random: Random) -> bytearray:
    """Content with one stretch over another."""
    start, stop = stretch(content, random)
    other = random.randrange(len(content) - (stop - start) + 1)
    content[other : other + stop - start] = content[start:stop]
    return content


RAW: dict[str, Damage] = {
    "flip-bit": on_bytes(lambda content, random: flip(content, random, 1)),
    "flip-few": on_bytes(lambda content, random: flip(content, random, random.randint(2, 8))),
    "flip-many": on_bytes(lambda content, random: flip(content, random, len(content) // 100 + 8)),
    "zeros": on_bytes(lambda content, random: overwrite(content, random, 0x00)),
    "ones": on_bytes(lambda content, random: overwrite(content, random, 0xFF)),
    "noise": on_bytes(lambda content, random: overwrite(content, random, None)),
    "truncated": on_bytes(truncate),
    "extended": on_bytes(extend),
    "swapped-blocks": on_bytes(swap_blocks),
    "copied-block": on_bytes(copy_block),
    "emptied": on_bytes(lambda content, random: b""),
}
