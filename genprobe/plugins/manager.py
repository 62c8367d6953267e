"""Finding plugins and the parts they provide; a broken plugin is set aside, with its reason.

Built-in parts come through the same hooks as everybody's, from the plugin ``builtin``.
"""

import logging
import os
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from genprobe import hookspecs
from genprobe._version import __version__
from genprobe.errors import PluginError
from genprobe.plugins.built_in import BuiltIn
from genprobe.plugins.entry_points import adopt, clash, distribution_of, unmet
from genprobe.runtime.near_names import hint

if TYPE_CHECKING:
    import click

log = logging.getLogger("genprobe")

KINDS = (
    "loaders",
    "datasets",
    "families",
    "priors",
    "likelihoods",
    "probes",
    "estimators",
    "renderers",
)
"""Every kind of part, in the order of the hooks ``genprobe_KIND``."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: what it is, its name, who provides it."""

    kind: str
    name: str
    owner: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A plugin that was set aside, or a hook of it that failed, and why."""

    owner: str
    version: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plugins:
    """Every plugin that was found.

    Attributes:
        manager: pluggy's, for hooks that are called rather than collected.
        versions: by plugin name.
        failures: plugins and hooks that do not work.
    """

    manager: pluggy.PluginManager
    versions: Mapping[str, str]
    failures: list[Failure] = field(default_factory=list)

    def parts(self, kind: str, *, built_in: bool = True) -> list[Part]:
        """Every part of a kind, by whom it is provided; a hook that fails is recorded.

        Args:
            kind: of the parts.
            built_in: whether genprobe's own are among them, which as a rule import torch.
        """
        caller = getattr(self.manager.hook, f"genprobe_{kind}")
        found: list[Part] = []
        for implementation in caller.get_hookimpls():
            owner = implementation.plugin_name
            if owner == "builtin" and not built_in:
                continue
            try:
                provided = named(implementation.function())
            except Exception as error:
                self.record(owner, f"genprobe_{kind}: {type(error).__name__}: {error}")
                continue
            found += [Part(kind=kind, name=k, owner=owner, value=v) for k, v in provided]
        return found

    def tell(self, hook: str, **arguments: Any) -> None:
        """Call a hook of every plugin, the built-in one first; one that fails is recorded."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            owner = implementation.plugin_name
            try:
                implementation.function(*(arguments[name] for name in implementation.argnames))
            except Exception as error:
                reason = f"{hook}: {type(error).__name__}: {error}"
                self.record(owner, reason)
                log.warning("The plugin %s fails: %s", owner, reason)

    def record(self, owner: str, reason: str) -> None:
        """Note once that a hook of a plugin failed."""
        failure = Failure(owner=owner, version=self.versions.get(owner, ""), reason=reason)
        if failure not in self.failures:
            self.failures.append(failure)

    def get(self, kind: str, name: str) -> Any:
        """The part of that name.

        Raises:
            PluginError: if no plugin provides it, or several do.
        """
        owners = [part for part in self.parts(kind) if part.name == name]
        if len(owners) > 1:
            raise PluginError(
                f"The {singular(kind)} {name!r} is provided by "
                f"{' and '.join(part.owner for part in owners)}.",
                "Uninstall one, or choose with GENPROBE_PLUGINS=NAME,…",
            )
        if not owners:
            raise PluginError(f"There is no {singular(kind)} {name!r}.", self.choices(kind, name))
        return owners[0].value

    def choices(self, kind: str, wanted: str) -> str:
        """What there is of a kind, what was perhaps meant, and which plugins might have had it."""
        known = sorted({part.name for part in self.parts(kind)})
        meant = hint(wanted, known, kind)
        aside = "; ".join(f"{failure.owner} ({failure.reason})" for failure in self.failures)
        if aside:
            return f"{meant}A plugin that does not work may have it: {aside}"
        return f"{meant}There are: {', '.join(known)}. More come with plugins: genprobe-NAME."

    def all(self, kind: str) -> dict[str, Any]:
        """Every part of a kind by name.

        Raises:
            PluginError: if two plugins provide the same name.
        """
        return {part.name: self.get(kind, part.name) for part in self.parts(kind)}


def at_fault(error: BaseException) -> str | None:
    """The plugin in whose code an error arose, the innermost; None if in nobody's."""
    packages = {
        plugin.__name__.partition(".")[0]: name
        for name, plugin in plugins().manager.list_name_plugin()
        if name != "builtin" and hasattr(plugin, "__name__")
    }
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [frame.f_globals.get("__name__", "").partition(".")[0] for frame in frames]
    return next((packages[m] for m in reversed(modules) if m in packages), None)


def named(provided: Any) -> Iterable[tuple[str, Any]]:
    """Name and part of what a hook returned: a mapping, or records with a name or scheme."""
    if isinstance(provided, Mapping):
        return provided.items()
    return [(getattr(part, "name", None) or part.scheme, part) for part in provided]


def duplicates(found: Plugins) -> list[str]:
    """A sentence for every part whose name two plugins claim."""
    problems = []
    for kind in KINDS:
        owners: dict[str, list[str]] = {}
        for part in found.parts(kind):
            owners.setdefault(part.name, []).append(part.owner)
        problems += [
            f"the {singular(kind)} {name!r} is provided by {' and '.join(names)}"
            for name, names in owners.items()
            if len(names) > 1
        ]
    return problems


def add_commands(cli: "click.Group") -> None:
    """Let every plugin add its commands; one that fails to is recorded and left out."""
    plugins().tell("genprobe_add_commands", cli=cli)


def singular(kind: str) -> str:
    """``families`` to ``family``."""
    return kind[:-3] + "y" if kind.endswith("ies") else kind.removesuffix("s")


@cache
def plugins() -> Plugins:
    """The plugins of this process, found once.

    GENPROBE_PLUGINS=a,b loads only the entry points of those names; set to nothing, it loads none.
    """
    return find_plugins(entry_points(group=hookspecs.PROJECT), os.environ.get("GENPROBE_PLUGINS"))


def find_plugins(points: Iterable[EntryPoint], wanted: str | None = None) -> Plugins:
    """Load the built-in parts and every entry point that works.

    Args:
        points: of the group ``genprobe``.
        wanted: names to load, separated by commas; None loads all.
    """
    points = list(points)
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(BuiltIn(), "builtin")
    versions = {"builtin": __version__}
    sources = {"builtin": "genprobe"}
    failures: list[Failure] = []
    chosen = None if wanted is None else {name.strip() for name in wanted.split(",")}
    for point in points:
        if chosen is not None and point.name not in chosen:
            continue
        version = point.dist.version if point.dist else ""
        reason = clash(point, sources) or unmet(point) or adopt(manager, point)
        if reason:
            failures.append(Failure(owner=point.name, version=version, reason=reason))
        else:
            versions[point.name] = version
            sources[point.name] = distribution_of(point)
    failures += [
        Failure(owner=name, version="", reason="GENPROBE_PLUGINS names it, but it is not installed")
        for name in sorted((chosen or set()) - {"", *(point.name for point in points)})
    ]
    return Plugins(manager=manager, versions=versions, failures=failures)
