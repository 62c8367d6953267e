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
    from genprobe.analysis.report import report_from_store
    from genprobe.comparing.compare import compare
    from genprobe.comparing.comparison import Comparison
    from genprobe.comparing.difference import Difference
    from genprobe.comparing.frames import dimension_frame, frame, label_frame
    from genprobe.diffusion.as_prior import diffusion_prior
    from genprobe.encoding.export import export
    from genprobe.errors import Notice
    from genprobe.estimators.report_row import estimator
    from genprobe.likelihoods.discretised_normal import discretised_normal_of
    from genprobe.loaders.bundle import save
    from genprobe.loaders.generator import from_generator
    from genprobe.loaders.open import load, open_dataset
    from genprobe.priors.autoregressive_categorical import autoregressive_prior
    from genprobe.priors.from_module import prior_from_module
    from genprobe.priors.vamp import vamp_prior
    from genprobe.render.figure.plane import plot
    from genprobe.report import Dimension, Estimate, Regime, Report
    from genprobe.report.channels import Channel, GridBound, LatentGrid
    from genprobe.report.inference import CurvePoint, InferenceReport
    from genprobe.report.labels import LabelDimension, LabelReport, Leak
    from genprobe.report.levels import Level
    from genprobe.report.progressive_curve import ProgressiveCurve, ProgressivePoint
    from genprobe.report.tokens import TokenBound, TokenLevel, TokenReport
    from genprobe.runs.evaluate import evaluate, evaluate_posteriors
    from genprobe.runs.sweep import Sweep, sweep
    from genprobe.runs.train import train
    from genprobe.runs.watch import Watch, callback
    from genprobe.store.read import Store, open_store
    from genprobe.types import (
        Codes,
        Dataset,
        DatasetReader,
        Diffusion,
        Family,
        FittedScale,
        Likelihood,
        Loader,
        Model,
        NamedPrior,
        PosteriorBatch,
        Prior,
        PriorFactory,
        Recorded,
    )

PLACES = {
    "Channel": "report.channels",
    "Comparison": "comparing.comparison",
    "Codes": "types.prior",
    "FittedScale": "types.likelihood",
    "Recorded": "types.model",
    "Dataset": "types.dataset",
    "DatasetReader": "types.dataset",
    "Difference": "comparing.difference",
    "Diffusion": "types.diffusion",
    "Dimension": "report.report",
    "Estimate": "report.estimate",
    "Family": "types.family",
    "GridBound": "report.channels",
    "CurvePoint": "report.inference",
    "InferenceReport": "report.inference",
    "LabelDimension": "report.labels",
    "LabelReport": "report.labels",
    "LatentGrid": "report.channels",
    "Leak": "report.labels",
    "Level": "report.levels",
    "Likelihood": "types.likelihood",
    "Loader": "types.model",
    "Model": "types.model",
    "NamedPrior": "types.prior",
    "Notice": "errors",
    "PosteriorBatch": "types.family",
    "Prior": "types.prior",
    "PriorFactory": "types.prior",
    "ProgressiveCurve": "report.progressive_curve",
    "ProgressivePoint": "report.progressive_curve",
    "Regime": "report.report",
    "Report": "report.report",
    "Store": "store.read",
    "Sweep": "runs.sweep",
    "TokenBound": "report.tokens",
    "TokenLevel": "report.tokens",
    "TokenReport": "report.tokens",
    "Watch": "runs.watch",
    "autoregressive_prior": "priors.autoregressive_categorical",
    "callback": "runs.watch",
    "compare": "comparing.compare",
    "dimension_frame": "comparing.frames",
    "diffusion_prior": "diffusion.as_prior",
    "discretised_normal_of": "likelihoods.discretised_normal",
    "estimator": "estimators.report_row",
    "evaluate": "runs.evaluate",
    "evaluate_posteriors": "runs.evaluate",
    "export": "encoding.export",
    "fit_prior": "analysis.refitted_prior",
    "frame": "comparing.frames",
    "from_generator": "loaders.generator",
    "label_frame": "comparing.frames",
    "load": "loaders.open",
    "open_dataset": "loaders.open",
    "open_store": "store.read",
    "plot": "render.figure.plane",
    "prior_from_module": "priors.from_module",
    "report_from_store": "analysis.report",
    "save": "loaders.bundle",
    "sweep": "runs.sweep",
    "train": "runs.train",
    "vamp_prior": "priors.vamp",
}

__all__ = [
    "Channel",
    "Codes",
    "Comparison",
    "CurvePoint",
    "Dataset",
    "DatasetReader",
    "Difference",
    "Diffusion",
    "Dimension",
    "Estimate",
    "Family",
    "FittedScale",
    "GenprobeError",
    "GridBound",
    "InferenceReport",
    "LabelDimension",
    "LabelReport",
    "LatentGrid",
    "Leak",
    "Level",
    "Likelihood",
    "Loader",
    "Model",
    "NamedPrior",
    "Notice",
    "PosteriorBatch",
    "Prior",
    "PriorFactory",
    "ProgressiveCurve",
    "ProgressivePoint",
    "Recorded",
    "Regime",
    "Report",
    "Store",
    "Sweep",
    "TokenBound",
    "TokenLevel",
    "TokenReport",
    "Watch",
    "__version__",
    "aggregate",
    "autoregressive_prior",
    "callback",
    "compare",
    "diffusion_prior",
    "dimension_frame",
    "discretised_normal_of",
    "estimator",
    "evaluate",
    "evaluate_posteriors",
    "export",
    "fit_prior",
    "frame",
    "from_generator",
    "hookimpl",
    "label_frame",
    "load",
    "open_dataset",
    "open_store",
    "plot",
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
