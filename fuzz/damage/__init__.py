"""Ways to damage a file, one family a module.

A damage takes the path, the random numbers of the case and the files outside that it may point to,
and changes the file in place. It raises ``Unfit`` where the file has nothing for it to change.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeAlias

from fuzz.outside import Outside

Damage: TypeAlias = Callable[[Path, Random, Outside], None]


class Unfit(Exception):
    """There is nothing in the file that this damage could change."""
