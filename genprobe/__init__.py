"""genprobe: what a latent-variable model's code tells, what it costs, and how much is wasted.

Everything public is here; it is imported on first use, so that ``import genprobe`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from genprobe._version import __version__
from genprobe.errors import GenprobeError
from genprobe.hookspecs import hookimpl

if TYPE_CHECKING:
    from genprobe import aggregate
    from genprobe.comparison import Comparison, compare
    from genprobe.evaluation import evaluate, evaluate_posteriors
    from genprobe.exporting import export
    from genprobe.loaders.bundle import save
    from genprobe.loading import load, open_dataset
    from genprobe.priors.autoregressive_categorical import autoregressive_prior
    from genprobe.priors.from_module import prior_from_module
    from genprobe.priors.vamp import vamp_prior
    from genprobe.reporting import report_from_store
    from genprobe.store.read import Store, open_store
    from genprobe.sweeping import Sweep, sweep
    from genprobe.training import train
    from genprobe.types import (
        Dataset,
        DatasetReader,
        Dimension,
        Estimate,
        Family,
        Likelihood,
        Loader,
        Model,
        NamedPrior,
        Notice,
        PosteriorBatch,
        Prior,
        PriorFactory,
        Regime,
        Report,
    )

PLACES = {
    "Comparison": "comparison",
    "Dataset": "types",
    "DatasetReader": "types",
    "Dimension": "types",
    "Estimate": "types",
    "Family": "types",
    "Likelihood": "types",
    "Loader": "types",
    "Model": "types",
    "NamedPrior": "types",
    "Notice": "types",
    "PosteriorBatch": "types",
    "Prior": "types",
    "PriorFactory": "types",
    "Regime": "types",
    "Report": "types",
    "Store": "store.read",
    "Sweep": "sweeping",
    "autoregressive_prior": "priors.autoregressive_categorical",
    "compare": "comparison",
    "evaluate": "evaluation",
    "evaluate_posteriors": "evaluation",
    "export": "exporting",
    "load": "loading",
    "open_dataset": "loading",
    "open_store": "store.read",
    "prior_from_module": "priors.from_module",
    "report_from_store": "reporting",
    "save": "loaders.bundle",
    "sweep": "sweeping",
    "train": "training",
    "vamp_prior": "priors.vamp",
}

__all__ = [
    "Comparison",
    "Dataset",
    "DatasetReader",
    "Dimension",
    "Estimate",
    "Family",
    "GenprobeError",
    "Likelihood",
    "Loader",
    "Model",
    "NamedPrior",
    "Notice",
    "PosteriorBatch",
    "Prior",
    "PriorFactory",
    "Regime",
    "Report",
    "Store",
    "Sweep",
    "__version__",
    "aggregate",
    "autoregressive_prior",
    "compare",
    "evaluate",
    "evaluate_posteriors",
    "export",
    "hookimpl",
    "load",
    "open_dataset",
    "open_store",
    "prior_from_module",
    "report_from_store",
    "save",
    "sweep",
    "train",
    "vamp_prior",
]


def __getattr__(name: str) -> Any:
    if name == "aggregate":
        return import_module("genprobe.aggregate")
    if name not in PLACES:
        raise AttributeError(f"module 'genprobe' has no attribute {name!r}")
    value = getattr(import_module(f"genprobe.{PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
