"""What findings are made from: the estimates, and what only the store knows."""

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.analysis.notices import tolerance_missed
from genprobe.analysis.options import Options
from genprobe.errors import Notice, UnavailableError
from genprobe.estimators.pointwise import FixedScale
from genprobe.estimators.probed import probed_column
from genprobe.estimators.quantities import Quantities
from genprobe.report import Dimension, Estimate
from genprobe.report.channels import Channel
from genprobe.report.inference import InferenceReport
from genprobe.report.labels import LabelReport
from genprobe.report.levels import Level
from genprobe.report.progressive_curve import ProgressiveCurve
from genprobe.report.tokens import TokenReport
from genprobe.store.read import Store
from genprobe.types import Family, Params


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What findings are made from.

    Attributes:
        estimates: by name.
        dimensions: of the latent.
        rate_analytic: whether the rate is a closed form.
        discrete: whether the likelihood gives probabilities.
        bin_width: δ of quantised data, if known.
        max_error: largest deviation of log q(z) from float64, nats; None if never computed.
        missed: that the tolerance was not reached; None if it was.
        n: number of examples that differ; None if unknown.
        distinct: the distinct examples, if some are equal.
        decoded: whether genprobe worked the distortion out itself rather than was given it.
        columns: the rate and the distortion of every example (draw, n), nats, by name.
        own_scale: the decoder's scale, where it is one constant.
        logits_gain: (draw, some) what D loses when logits are read as probabilities, nats.
        probs_off: (draw, some) what rounded probabilities may put D off by, nats.
        values: of one example.
        blocks: (first example, posterior parameters of a stretch), in order.
        said: notices by estimators that failed, while encoding, and by the family.
        labels: what the code says of each label, by name.
        labels_given: names of those that the model is given.
        inference: how log p(x) was worked out; None where nobody asked for it.
        channels: of a latent with places.
        tokens: of the codes of a quantiser.
        progressive: R and D along a chain; None without.
        levels: of a chain of latents.
        training: what the checkpoint says of itself.
        fitted_scores: cross-fitted mean log density of every fitted prior by name, nats.
    """

    estimates: Mapping[str, Estimate]
    dimensions: Sequence[Dimension] = ()
    rate_analytic: bool = True
    discrete: bool = True
    bin_width: float | None = None
    max_error: float | None = None
    missed: Notice | None = None
    n: int | None = None
    distinct: DistinctExamples | None = None
    decoded: bool = True
    columns: Mapping[str, Tensor] = field(default_factory=dict)
    own_scale: FixedScale | None = None
    logits_gain: Tensor | None = None
    probs_off: Tensor | None = None
    values: int = 0
    blocks: Iterable[tuple[int, Params]] = ()
    said: Sequence[Notice] = ()
    labels: Mapping[str, LabelReport] = field(default_factory=dict)
    labels_given: Sequence[str] = ()
    inference: InferenceReport | None = None
    channels: Sequence[Channel] = ()
    tokens: TokenReport | None = None
    progressive: ProgressiveCurve | None = None
    levels: Sequence[Level] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    fitted_scores: Mapping[str, float] = field(default_factory=dict)


def evidence_of(
    store: Store,
    family: Family,
    quantities: Quantities,
    estimates: Mapping[str, Estimate],
    latents: Sequence[Dimension],
    options: Options,
    said: Sequence[Notice],
) -> Evidence:
    """What findings are made from, of a store.

    Args:
        store: finished.
        family: of its posteriors.
        quantities: of the store.
        estimates: by name.
        latents: the latent dimensions.
        options: what the user chose.
        said: by estimators that failed, while encoding, and by the family.
    """
    encodes, diffuses = store.header.encoder, store.header.diffusion is not None
    return Evidence(
        estimates=estimates,
        dimensions=latents,
        rate_analytic=not encodes or diffuses or quantities.code_rate_analytic or family.point,
        discrete=store.header.discrete,
        bin_width=options.bin_width,
        max_error=quantities.max_error if quantities.has("queries") else None,
        missed=missed_by(quantities, options),
        n=quantities.observations,
        distinct=quantities.distinct,
        decoded=store.header.likelihood is not None,
        columns=columns_of(quantities) if encodes else {},
        own_scale=quantities.own_scale,
        logits_gain=probed(store, "logits_as_probs"),
        probs_off=probed(store, "probs_rounding"),
        values=math.prod(store.header.event_shape),
        blocks=store.blocks() if encodes and not diffuses else (),
        said=said,
        training=store.header.training,
        fitted_scores=quantities.fitted.scores if quantities.has("fitted") else {},
    )


def columns_of(quantities: Quantities) -> dict[str, Tensor]:
    """The rate and the distortion of every example (draw, n), where there are any, nats."""
    found = {}
    for name in ("rate", "distortion"):
        with contextlib.suppress(UnavailableError):
            found[name] = getattr(quantities, name)
    return found


def missed_by(quantities: Quantities, options: Options) -> Notice | None:
    """Whether the queries reached the tolerance, where there are any."""
    error = quantities.mutual_information.se if quantities.has("queries") else None
    if error is None:
        return None
    made, asked = len(quantities.queries), options.max_queries is not None
    return tolerance_missed(error, options.tolerance, made, asked)


def probed(store: Store, name: str) -> Tensor | None:
    """What a probe said of every example it was asked about; None where it did not of some."""
    try:
        return probed_column(store, name)
    except UnavailableError:
        return None
