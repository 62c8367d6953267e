"""The hooks of genprobe: what a plugin may provide, and when each is called.

A plugin is a module (or object) named by an entry point of the group ``genprobe``. It implements
any of these functions with ``@genprobe.hookimpl``. Import torch and other heavy modules inside the
function, so that ``genprobe --help`` stays quick.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from genprobe.report import Report
    from genprobe.store.read import Store
    from genprobe.types import DatasetReader, Family, Likelihood, Loader, PriorFactory

PROJECT = "genprobe"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def genprobe_loaders() -> "Sequence[Loader]":  # type: ignore[empty-body]
    """Ways to load a checkpoint. Called when a model is first loaded or parts are listed."""


@hookspec
def genprobe_datasets() -> "Sequence[DatasetReader]":  # type: ignore[empty-body]
    """Ways to open data. Called when data are first opened or parts are listed."""


@hookspec
def genprobe_families() -> "Sequence[Family]":  # type: ignore[empty-body]
    """Posterior families. Called when a model or a store names one, or parts are listed."""


@hookspec
def genprobe_priors() -> "Sequence[PriorFactory]":  # type: ignore[empty-body]
    """Priors. Called when a model or a store names one, or parts are listed."""


@hookspec
def genprobe_likelihoods() -> "Sequence[Likelihood]":  # type: ignore[empty-body]
    """Likelihoods. Called when a model names one, or parts are listed."""


@hookspec
def genprobe_probes() -> "Mapping[str, Callable[..., Any]]":  # type: ignore[empty-body]
    """Numbers per example, by name; see ``genprobe.probes``. Called when encoding starts."""


@hookspec
def genprobe_estimators() -> "Mapping[str, Callable[..., Any]]":  # type: ignore[empty-body]
    """Estimators, by the name of their estimate; see ``genprobe.estimators``.

    Called when a model is evaluated, a report is made or parts are listed, and when rows are shown
    that are not genprobe's own: ``genprobe.estimator`` says what they are called.
    """


@hookspec
def genprobe_renderers() -> "Mapping[str, Callable[[Report], str]]":  # type: ignore[empty-body]
    """Functions from a report to text, by name. Called when one is named or parts are listed.

    One with a parameter ``unit`` gets ``nats``, ``bits`` or ``bits/dim``, as the user asked.
    """


@hookspec
def genprobe_add_commands(cli: "click.Group") -> None:
    """Add commands to the command line. Called once, before the arguments are parsed.

    Args:
        cli: the group to add to.
    """


@hookspec
def genprobe_report_ready(report: "Report", store: "Store") -> None:
    """A report was just made. Called once a report, before it is shown; for loggers.

    Of several ranks, rank 0 alone calls it.

    Args:
        report: the report.
        store: what it was made from.
    """
