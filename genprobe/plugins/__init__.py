"""The plugins that were found, the parts they provide, and genprobe's own parts among them."""

from genprobe.plugins.built_in import built_in
from genprobe.plugins.manager import (
    KINDS,
    Failure,
    Part,
    Plugins,
    add_commands,
    at_fault,
    duplicates,
    find_plugins,
    plugins,
    singular,
)

__all__ = [
    "KINDS",
    "Failure",
    "Part",
    "Plugins",
    "add_commands",
    "at_fault",
    "built_in",
    "duplicates",
    "find_plugins",
    "plugins",
    "singular",
]
