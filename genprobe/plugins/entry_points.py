"""Loading one entry point of a plugin, or saying why it is set aside."""

import difflib
import re
import textwrap
from collections.abc import Mapping
from importlib.metadata import EntryPoint

import pluggy

from genprobe import hookspecs
from genprobe._version import __version__
from genprobe.errors import PluginError

REASON_LENGTH = 300


def distribution_of(point: EntryPoint) -> str:
    """The distribution of an entry point, as far as it is known."""
    return point.dist.name if point.dist else point.value


def clash(point: EntryPoint, sources: Mapping[str, str]) -> str:
    """Why an entry point cannot have its name; empty if it can."""
    if point.name not in sources:
        return ""
    return (
        f"another plugin has this name; that of {sources[point.name]} was found first and is the "
        f"one in use, that of {distribution_of(point)} is not"
    )


def unmet(point: EntryPoint) -> str:
    """The genprobe that a plugin's distribution requires, if it is not this one; else empty.

    The same line of its metadata that pip installs by: ``genprobe>=0.2`` among the dependencies.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for line in (point.dist.requires if point.dist else None) or []:
        try:
            need = Requirement(line)
        except InvalidRequirement:
            continue  # pip's to judge, and perhaps not even of genprobe
        optional = need.marker is not None and not need.marker.evaluate({"extra": ""})
        if canonicalize_name(need.name) != hookspecs.PROJECT or optional:
            continue
        if not need.specifier.contains(__version__, prereleases=True):
            return f"it needs genprobe{need.specifier}; this is genprobe {__version__}"
    return ""


def adopt(manager: pluggy.PluginManager, point: EntryPoint) -> str:
    """Register one entry point; returns why it cannot be, and then leaves no trace of it."""
    try:
        plugin = point.load()
        manager.register(plugin, point.name)
        manager.check_pending()
        require_hooks(manager, plugin)
    except (Exception, SystemExit) as error:
        if manager.has_plugin(point.name):
            manager.unregister(name=point.name)
        reason = f"{type(error).__name__}: {str(error) or 'no message'}"
        return textwrap.shorten(reason, REASON_LENGTH, placeholder=" …") + meant(str(error))
    return ""


def require_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """Check that every hook a plugin defines is marked as one, and that there is one.

    Raises:
        PluginError: if pluggy would pass over what it defines.
    """
    used = {caller.name for caller in manager.get_hookcallers(plugin) or []}
    known = {name for name in vars(hookspecs) if name.startswith(f"{hookspecs.PROJECT}_")}
    for name in sorted(known - used):
        if callable(getattr(plugin, name, None)):
            raise PluginError(f"{name} is not marked with @genprobe.hookimpl.")
    if not used:
        raise PluginError("It implements no hook of genprobe.")


def meant(reason: str) -> str:
    """A hint at the hook that a misspelt one was meant to be; empty if there is none."""
    unknown = re.match(r"unknown hook '(\w+)'", reason)
    near = difflib.get_close_matches(unknown[1], vars(hookspecs), 1) if unknown else []
    return f"; did you mean {near[0]}?" if near else ""
