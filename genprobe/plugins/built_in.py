"""genprobe's own parts, provided through the same hooks as any plugin's.

Each folder of parts lists its own in its ``__init__``: a part is named in its file and there. Parts
are imported when a hook is called: a command that needs none imports no torch.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from genprobe.hookspecs import hookimpl
from genprobe.plugins.registry import built_in, parts_in

if TYPE_CHECKING:
    from genprobe.types import DatasetReader, Family, Likelihood, Loader, PriorFactory


class BuiltIn:
    """The plugin ``builtin``."""

    @hookimpl
    def genprobe_loaders(self) -> "Sequence[Loader]":
        """Bundles, exported programs, TorchScript, and files of posteriors."""
        return list(parts_in("loaders").values())

    @hookimpl
    def genprobe_datasets(self) -> "Sequence[DatasetReader]":
        """The embedded digits, IDX files, arrays on disk."""
        return list(parts_in("datasets").values())

    @hookimpl
    def genprobe_families(self) -> "Sequence[Family]":
        """Posterior families."""
        return list(parts_in("families").values())

    @hookimpl
    def genprobe_priors(self) -> "Sequence[PriorFactory]":
        """Priors."""
        return list(parts_in("priors").values())

    @hookimpl
    def genprobe_likelihoods(self) -> "Sequence[Likelihood]":
        """Likelihoods."""
        return list(parts_in("likelihoods").values())

    @hookimpl
    def genprobe_probes(self) -> Mapping[str, Callable[..., Any]]:
        """Rate, distortion, how both answer to wider posteriors, round trips of prior samples."""
        return parts_in("probes")

    @hookimpl
    def genprobe_estimators(self) -> Mapping[str, Callable[..., Any]]:
        """The rows of the report."""
        return parts_in("estimators")

    @hookimpl
    def genprobe_renderers(self) -> Mapping[str, Callable[..., str]]:
        """Formats of a report."""
        names = import_module("genprobe.render").RENDERERS
        return {name: built_in("renderers", name) for name in names}
