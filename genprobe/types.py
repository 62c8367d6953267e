"""The frozen records that plugins fill in: families, priors, likelihoods, models, data.

What comes out (``Estimate`` … ``Report``) is in ``genprobe.report``, and named here too.

Everything is in nats. Tensors that describe examples have the example axis first; tensors that
describe draws have the draw axis before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from genprobe.errors import GenprobeError
from genprobe.report import Dimension, Estimate, Kind, Notice, Regime, Report

__all__ = [
    "Codes",
    "Dataset",
    "DatasetReader",
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
    "no_defaults",
    "one_size",
    "with_tensors",
]

Params: TypeAlias = Mapping[str, Tensor]
"""Parameters of a distribution by the names of torch.distributions, each (batch, ...)."""

Plain: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """A family of posteriors q(z|x), described by functions of its parameters.

    Attributes:
        name: the registered name, such as ``diagonal-normal``.
        distribution: parameters, each (batch, ...), to a distribution of batch shape (batch,).
        constraints: what each parameter must satisfy, by name; checked on every encoded batch.
        natural: parameters to (eta (batch, k), log_partition (batch,)), for exponential families.
        sufficient: z (m, *event) to (statistics (m, k), log_base (m,)), so that
            log q(z_m|x_n) = statistics_m · eta_n − log_partition_n + log_base_m.
        translate: for location families, parameters and an offset (*event) to the parameters of
            z − offset. The engine centres with it, which keeps float32 matmuls accurate.
        cross_log_prob: z (m, *event) and parameters (n, ...) to (m, n), for every other family.
        widen: parameters and ε (batch,) to the parameters with every scale times e^ε; for families
            whose draws have a pathwise gradient. The operating slope is measured along it.
        upper: parameters in cells (cell, size, ...) to a function of z (m, *event), which gives
            (m, cell) no less than log q(z|x) of any component of the cell. With it, components
            too far from a query to matter are skipped.
        symmetric: whether every posterior is symmetric about its mean, so that the mirror image of
            a draw is a draw too; the slope is measured with such pairs.
        notice: what every report on such posteriors has to say, if anything.
    """

    name: str
    distribution: Callable[[Params], Distribution]
    constraints: Mapping[str, Constraint]
    natural: Callable[[Params], tuple[Tensor, Tensor]] | None = None
    sufficient: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    translate: Callable[[Params, Tensor], Params] | None = None
    cross_log_prob: Callable[[Tensor, Params], Tensor] | None = None
    widen: Callable[[Params, Tensor], Params] | None = None
    upper: Callable[[Params], Callable[[Tensor], Tensor]] | None = None
    symmetric: bool = False
    notice: Notice | None = None

    def event_shape(self, params: Params) -> torch.Size:
        """Shape of one latent z under these parameters."""
        return self.distribution(params).event_shape

    def sample(self, params: Params, draws: int) -> Tensor:
        """Draws z ~ q(z|x) (draw, batch, *event) from the global generator.

        They are floating point, of the parameters' dtype, also where they count or name classes:
        so decoders, priors and the store meet one dtype.
        """
        z = self.distribution(params).sample((draws,))
        return z if z.is_floating_point() else z.to(next(iter(params.values())).dtype)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prior:
    """A prior p(z).

    Attributes:
        name: the registered name, such as ``standard-normal``.
        log_prob: z (..., *event) to log p(z) (...).
        sample: a count n to z (n, *event).
        kl: a family and its parameters (batch, ...) to KL(q‖p) (batch,), or None where there is
            no closed form.
        distribution: the prior as a torch distribution, where it is one.
        params: the tensors it was built from; the store keeps them so that the prior can be
            rebuilt without the model.
        module: what computes it, where that is a torch module; genprobe puts it on the device and
            hashes its weights. Such a prior cannot be rebuilt from a store.
    """

    name: str
    log_prob: Callable[[Tensor], Tensor]
    sample: Callable[[int], Tensor]
    kl: Callable[[Family, Params], Tensor | None]
    distribution: Distribution | None = None
    params: Params = field(default_factory=dict)
    module: torch.nn.Module | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedPrior:
    """A prior by its registered name and the tensors it is built from, once z's shape is known.

    The tensors may be a module's own parameters: they are read when the model is evaluated, after
    a checkpoint was loaded into the module.

    Attributes:
        name: the registered name, such as ``normal-mixture``.
        params: what the prior of that name is built from.
    """

    name: str
    params: Params


def with_tensors(prior: "PriorLike", params: Params) -> "PriorLike":
    """A prior given by its name with the tensors beside it; any other as it is."""
    return NamedPrior(name=prior, params=params) if isinstance(prior, str) and params else prior


PriorLike: TypeAlias = (
    Prior | NamedPrior | str | Distribution | torch.nn.Module | Callable[[], "PriorLike"]
)
"""What a model may give as its prior; a module, called without arguments, gives a distribution."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Codes:
    """Moments of the posteriors of n examples, over flattened z of k values, in float64.

    Attributes:
        mean: (n, k) posterior means.
        variance: (n, k) posterior variances.
    """

    mean: Tensor
    variance: Tensor


def no_defaults(family: Family, params: Params) -> Params:
    """No tensors, whatever the posteriors."""
    return {}


def one_size(n: int, k: int) -> Sequence[int]:
    """A single fit, whatever the number of examples n and of latent values k."""
    return (1,)


@dataclass(frozen=True, kw_only=True, eq=False)
class PriorFactory:
    """How a registered prior is built once the shape of z is known, and perhaps fitted.

    A prior that can be fitted becomes a rung of the ladder by which genprobe certifies how much of
    the rate a better prior would save.

    Attributes:
        name: the registered name.
        build: event shape and saved tensors (empty for a prior without parameters) to the prior.
        fit: codes, a size and a seed to the tensors that ``build`` takes, such that the prior comes
            close to the aggregate posterior of the codes; None for a prior that is not fitted.
        sizes: number of examples and of latent values to the sizes worth trying, small ones first
            (numbers of components, say); empty if the prior cannot be fitted to so much or little.
        defaults: the posterior's family and the parameters (1, ...) of one example to the tensors
            that ``build`` takes when the user gives none: how many classes there are, say.
    """

    name: str
    build: Callable[[torch.Size, Params], Prior]
    fit: Callable[[Codes, int, int], Params] | None = None
    sizes: Callable[[int, int], Sequence[int]] = one_size
    defaults: Callable[[Family, Params], Params] = no_defaults


@dataclass(frozen=True, kw_only=True)
class FittedScale:
    """The best single scale of a likelihood for a whole data set, and what it makes of D.

    Attributes:
        scale: the scale.
        factor: with which the distortion at scale 1 is multiplied, and its derivatives.
        offset: what is then added, nats per example.
    """

    scale: float
    factor: float
    offset: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Likelihood:
    """A likelihood p(x|z), with every constant of its density.

    Attributes:
        name: the registered name, such as ``bernoulli``.
        distribution: decoder output, each (batch, ...), to a distribution of batch shape (batch,)
            whose event is one whole example.
        discrete: whether it gives probabilities (so that D ≥ 0 and H − D bounds I) rather than
            densities.
        support: data (batch, *event) to None, or to a notice when the data make the bound void.
            Raises SupportError where the likelihood is not defined at all.
        blind: means over the data of x and of x², each (*event), then of each of ``statistics`` by
            name, to the zero-rate distortion in nats: that of the best constant parameters; None
            where it is not defined.
        statistics: data (batch, *event) to further numbers per example that ``blind`` needs, by
            name, each (batch, ...).
        fit_scale: for a likelihood whose one scale is fitted to the whole data set: the mean
            distortion at scale 1, in nats, and the number of values of an example to the best
            scale. Its ``distribution`` then has scale 1.
    """

    name: str
    distribution: Callable[[Params], Distribution]
    discrete: bool
    support: Callable[[Tensor], Notice | None]
    blind: Callable[..., float] | None = None
    statistics: Callable[[Tensor], Mapping[str, Tensor]] | None = None
    fit_scale: Callable[[float, int], FittedScale] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorded:
    """What a model said of each example, worked out elsewhere and kept: the model is not at hand.

    Attributes:
        n: number of examples.
        params: start and stop to the parameters of q(z|x) of those examples, each
            (stop − start, ...).
        fingerprint: a hash of everything that was kept.
        distortion: start and stop to −log p(x|z) (draw, stop − start), nats, float64, at draws of
            its own; None where it was not kept.
        distortion_draws: how many draws that is.
        likelihood: what the distortion is minus the log of, or its registered name; None if
            nothing says.
        dataset: name of the data, None if nothing says.
        event_shape: shape of one example of the data, None if nothing says.
    """

    n: int
    params: Callable[[int, int], Params]
    fingerprint: str
    distortion: Callable[[int, int], Tensor] | None = None
    distortion_draws: int = 0
    likelihood: Likelihood | str | None = None
    dataset: str | None = None
    event_shape: torch.Size | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A trained latent-variable model as a record of its parts.

    Attributes:
        name: what tables call it.
        encode: x (batch, *event), and the context as keywords, to the parameters of q(z|x, c).
        decode: z (batch, *latent), and the context as keywords, to the parameters of p(x|z, c), or
            None (the rate side only).
        posterior: a family, or the registered name of one.
        prior: a prior, the registered name of one that needs no parameters, a NamedPrior with
            tensors, a torch distribution over one z, a module that returns one when called without
            arguments, or a function that makes any of these. The function is called when weights
            are loaded and the module is in evaluation mode, so give one where the prior depends on
            learned weights.
        likelihood: a likelihood, or the registered name of one; None without a decoder.
        module: the torch module behind encode and decode, if there is one; genprobe puts it in
            evaluation mode and on the device, and hashes its weights.
        training: plain facts about how it was trained (data, binarize, beta), where known.
        condition: of a conditional model, x (batch, *event) and the data's covariates to the
            context c by name, each (batch, ...), on the CPU; None if there is no context.
        recorded: what it said of each example, if that was kept; ``encode`` is then not called.
    """

    name: str
    encode: Callable[..., Params]
    posterior: Family | str
    prior: PriorLike
    decode: Callable[..., Params] | None = None
    likelihood: Likelihood | str | None = None
    module: torch.nn.Module | None = None
    training: Plain = field(default_factory=dict)
    condition: Callable[[Tensor, Mapping[str, Any]], Params] | None = None
    recorded: Recorded | None = None

    def __post_init__(self) -> None:
        if (self.decode is None) != (self.likelihood is None):
            present, absent = (
                ("decode", "likelihood") if self.likelihood is None else ("likelihood", "decode")
            )
            raise GenprobeError(
                f"Model {self.name!r} has {present} but no {absent}.",
                "Give both for the distortion, or neither for the rate side only.",
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Examples that can be read by position.

    Attributes:
        name: what tables call it.
        n: number of examples.
        event_shape: shape of one example.
        read: start and stop to the examples (stop − start, *event), floating point.
        fingerprint: a hash of the content, binarisation included.
        binarize: ``none``, ``threshold`` or ``stochastic``.
        entropy: an upper bound on the entropy H of the data in nats, where one is known.
        covariates: start and stop to what comes with the examples (labels, batches) by name, each
            (stop − start, ...), tensors or arrays of any dtype; None if nothing does. The
            fingerprint is of these too.
    """

    name: str
    n: int
    event_shape: torch.Size
    read: Callable[[int, int], Tensor]
    fingerprint: str
    binarize: str = "none"
    entropy: float | None = None
    covariates: Callable[[int, int], Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class DatasetReader:
    """How data of one kind are opened: ``idx:images.gz`` names the scheme ``idx`` outright.

    Attributes:
        scheme: the registered name.
        recognises: whether a bare path looks like this kind; reads names and bytes only.
        open: what follows the scheme (a path, or nothing) and the split to the data set.
    """

    scheme: str
    recognises: Callable[[Path], bool]
    open: Callable[[str, str | None], Dataset]


@dataclass(frozen=True, kw_only=True, eq=False)
class Loader:
    """How checkpoints of one kind are loaded: ``bundle:model.pt`` names one outright.

    Attributes:
        scheme: the registered name.
        recognises: whether a path looks like this kind; reads names and bytes, executes nothing.
        load: path and trust to the model. Without trust nothing in the file may run.
    """

    scheme: str
    recognises: Callable[[Path], bool]
    load: Callable[[Path, bool], Model]


@dataclass(frozen=True, kw_only=True, eq=False)
class PosteriorBatch:
    """A stretch of examples as the model sees them, draws first.

    Attributes:
        index: (batch,) positions in the data set.
        params: parameters of q(z|x), each (batch, ...).
        z: (draw, batch, *latent), z ~ q(z|x).
        log_qz_x: (draw, batch) log q(z|x), nats, float64.
        log_pz: (draw, batch) log p(z), nats, float64.
        log_px_z: (draw, batch) log p(x|z), nats, float64; None without a decoder.
    """

    index: Tensor
    params: Params
    z: Tensor
    log_qz_x: Tensor
    log_pz: Tensor
    log_px_z: Tensor | None
