"""What the shell completes: the names of parts, of data sets, devices and sort keys.

A file is completed where one may be named. Names come from the plugins, so that theirs are among
them.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Complete: TypeAlias = "Callable[[click.Context, click.Parameter, str], list[CompletionItem]]"


def complete(names: Callable[[], Iterable[str]], *, files: bool = False) -> Complete:
    """A completion by names.

    Args:
        names: gives all there are.
        files: whether a file may be named as well.
    """

    def found(
        context: click.Context, parameter: click.Parameter, begun: str
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        near = [CompletionItem(name) for name in names() if name.startswith(begun)]
        # The shells add to a list of files, but bash begins it anew: it must come first.
        return [*([CompletionItem(begun, type="file")] if files else []), *near]

    return found


def parts(kind: str) -> Callable[[], list[str]]:
    """The names of all parts of a kind."""

    def names() -> list[str]:
        from genprobe.plugins import plugins

        return sorted({part.name for part in plugins().parts(kind)})

    return names


def sort_keys() -> list[str]:
    """What models can be sorted by."""
    from genprobe.estimators.catalog import ESTIMATORS  # genprobe's own, without torch
    from genprobe.plugins import plugins

    return ["name", *ESTIMATORS, *(p.name for p in plugins().parts("estimators", built_in=False))]


def data_sets() -> list[str]:
    """Data sets that are named, schemes of files, and what is under GENPROBE_DATA_DIR."""
    from genprobe.datasets.find import data_folders

    return [*parts("datasets")(), *data_folders()]


FILES = complete(tuple, files=True)
DATA = complete(data_sets, files=True)
DEVICE = complete(lambda: ("auto", "cpu", "cuda", "mps"))
FAMILY = complete(parts("families"))
PRIOR = complete(parts("priors"), files=True)
RENDERER = complete(parts("renderers"))
SORT = complete(sort_keys)
