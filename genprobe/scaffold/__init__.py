"""Writing the folder of a new plugin: installable, documented, tested, and one file to edit."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from genprobe._version import __version__
from genprobe.errors import PluginError

PREFIX = "genprobe-"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class PluginKind:
    """What a plugin of some kind provides.

    Attributes:
        hook: the kind of part in ``genprobe.plugins.KINDS``; None for what is no part.
        suite: of ``genprobe.testing``, for which the tests are a subclass; None if there is none.
    """

    hook: str | None
    suite: str | None = None


PLUGIN_KINDS: Mapping[str, PluginKind] = {
    "family": PluginKind(hook="families", suite="FamilyTests"),
    "prior": PluginKind(hook="priors", suite="PriorTests"),
    "likelihood": PluginKind(hook="likelihoods", suite="LikelihoodTests"),
    "loader": PluginKind(hook="loaders", suite="LoaderTests"),
    "dataset": PluginKind(hook="datasets"),
    "probe": PluginKind(hook="probes"),
    "estimator": PluginKind(hook="estimators", suite="EstimatorTests"),
    "renderer": PluginKind(hook="renderers", suite="RendererTests"),
    "command": PluginKind(hook=None),
}
"""Every kind of plugin that can be begun."""


def begin_plugin(name: str, kind: str, into: Path, commands: Collection[str] = ()) -> Path:
    """Write the folder of a new plugin.

    Args:
        name: of the part, such as ``my-laplace``; a leading ``genprobe-`` is not part of it.
        kind: one of ``PLUGIN_KINDS``.
        into: where the folder goes.
        commands: those that the command line has already.

    Returns:
        The folder, ``genprobe-NAME``.

    Raises:
        PluginError: if the name cannot be that of a plugin or is taken, or the folder is there.
    """
    from genprobe.runtime.output_folder import write_folder

    name = name.removeprefix(PREFIX)
    require_name(name, kind, commands)
    folder = into / f"{PREFIX}{name}"
    if os.path.lexists(folder):
        raise PluginError(f"{folder} is there already.", "Choose another name, or remove it.")
    files = plugin_files(name, kind)
    try:
        into.mkdir(parents=True, exist_ok=True)
        with write_folder(folder) as aside:
            for path, text in files.items():
                (aside / path).parent.mkdir(parents=True, exist_ok=True)
                (aside / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise PluginError(f"{folder} cannot be written: {error.strerror}.") from error
    return folder


def require_name(name: str, kind: str, commands: Collection[str] = ()) -> None:
    """Check that a part can have this name.

    Raises:
        PluginError: if it is no name, or that of a part or command there is.
    """
    if not NAME.fullmatch(name):
        raise PluginError(
            f"{name!r} cannot be the name of a plugin.",
            "Use small letters, digits and single dashes, a letter first: my-laplace.",
        )
    if name == "builtin":
        raise PluginError("The parts of genprobe itself are the plugin builtin.", "Choose another.")
    if spelled(name, kind) in taken(kind, commands):
        raise PluginError(
            f"There is a {kind} {spelled(name, kind)!r} already.", "Choose another name."
        )


def spelled(name: str, kind: str) -> str:
    """The name of the part: probes and estimators have underscores, as in the JSON."""
    return name.replace("-", "_") if kind in ("probe", "estimator") else name


def taken(kind: str, commands: Collection[str] = ()) -> set[str]:
    """Names of this kind that genprobe or an installed plugin has, or the command line."""
    from genprobe.plugins import plugins

    hook = PLUGIN_KINDS[kind].hook
    return set(commands) if hook is None else {part.name for part in plugins().parts(hook)}


def plugin_files(name: str, kind: str) -> dict[str, str]:
    """The text of every file of a plugin, by its path in the folder."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("genprobe.scaffold"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,
    )
    identifier = name.replace("-", "_")
    module = f"genprobe_{identifier}"
    facts = {
        "name": name,
        "part": spelled(name, kind),
        "identifier": identifier,
        "distribution": f"{PREFIX}{name}",
        "module": module,
        "kind": kind,
        "hook": PLUGIN_KINDS[kind].hook,
        "suite": PLUGIN_KINDS[kind].suite,
        "version": ".".join(__version__.split(".")[:2]),
    }
    templates = {
        "pyproject.toml": "pyproject.toml.j2",
        "README.md": "README.md.j2",
        f"{module}/__init__.py": f"{kind}/hook.py.j2",
        f"{module}/{kind}.py": f"{kind}/part.py.j2",
        f"tests/test_{identifier}.py": f"{kind}/test.py.j2",
    }
    return {
        path: environment.get_template(template).render(facts)
        for path, template in templates.items()
    }
