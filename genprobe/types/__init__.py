"""The frozen records that plugins fill in: families, priors, likelihoods, models, data.

What comes out (``Estimate`` … ``Report``) is in ``genprobe.report``, and named here too. Everything
is in nats. Tensors that describe examples have the example axis first; tensors that describe draws
have the draw axis before it.
"""

from genprobe.errors import Notice
from genprobe.report import Dimension, Estimate, Kind, Regime, Report
from genprobe.types.dataset import Dataset, DatasetReader
from genprobe.types.diffusion import Diffusion
from genprobe.types.family import Family, Params, PosteriorBatch
from genprobe.types.likelihood import FittedScale, Likelihood
from genprobe.types.model import Loader, Model, Plain, Recorded
from genprobe.types.prior import (
    Codes,
    NamedPrior,
    Prior,
    PriorFactory,
    PriorLike,
    any_codes,
    no_defaults,
    one_size,
    with_tensors,
)

__all__ = [
    "Codes",
    "Dataset",
    "DatasetReader",
    "Diffusion",
    "Dimension",
    "Estimate",
    "Family",
    "FittedScale",
    "Kind",
    "Likelihood",
    "Loader",
    "Model",
    "NamedPrior",
    "Notice",
    "Params",
    "Plain",
    "PosteriorBatch",
    "Prior",
    "PriorFactory",
    "PriorLike",
    "Recorded",
    "Regime",
    "Report",
    "any_codes",
    "no_defaults",
    "one_size",
    "with_tensors",
]
