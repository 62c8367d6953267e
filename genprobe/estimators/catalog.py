"""The catalog of the report's rows: genprobe's estimators, and what the tables say of each.

An estimator is registered here and is the function of its name in the file of its name. The order
is that of the tables, of the JSON and of the columns of a CSV.
"""

from collections.abc import Mapping

from genprobe.estimators.report_row import ReportRow, row_from
from genprobe.plugins import plugins

PLANE = "Rate and distortion"
EXAMPLES = "For these N examples"
POPULATION = "For the population they come from"
CODE = "The code"
INFERENCE = "Lost by inference"

ESTIMATORS: Mapping[str, ReportRow] = {
    "rate": ReportRow(
        label="rate R",
        heading="R",
        section=PLANE,
        compared=True,
        meaning="what the code costs under the prior: the mean of KL(q(z|x) ‖ p(z))",
    ),
    "distortion": ReportRow(
        label="distortion D",
        heading="D",
        section=PLANE,
        compared=True,
        better="smaller",
        same_measure=True,
        meaning="what is left to say about x when the code is known: the mean of −log p(x|z), "
        "every constant included",
    ),
    "elbo": ReportRow(
        label="ELBO = −(R + D)",
        heading="ELBO",
        caption="ELBO",
        section=PLANE,
        compared=True,
        better="larger",
        same_measure=True,
        meaning="the usual number, a lower bound on log p(x)",
    ),
    "iwae_bound": ReportRow(
        label="IWAE bound on −log p(x)",
        heading="IWAE",
        section=PLANE,
        bound="upper",
        better="smaller",
        same_measure=True,
        meaning="a tighter upper bound on −log p(x), from all draws of an example together",
    ),
    "ais_bound": ReportRow(
        label="AIS bound on −log p(x)",
        heading="AIS",
        section=PLANE,
        bound="upper",
        better="smaller",
        same_measure=True,
        meaning="the tightest upper bound on −log p(x): by annealing from the best posterior of "
        "the family to the true one, of some examples",
    ),
    "blind_distortion": ReportRow(
        label="D of the best blind decoder",
        heading="blind D",
        section=PLANE,
        meaning="the distortion of a constant; a model above it has learnt less than nothing",
    ),
    "slope": ReportRow(
        label="operating slope −dD/dR",
        heading="slope",
        section=PLANE,
        unit="nats/nat",
        meaning="what a nat of rate buys when every posterior is made a little wider: the β the "
        "model behaves as if it was trained with, read off the checkpoint",
    ),
    "mutual_information": ReportRow(
        label="mutual information I(n;z)",
        heading="I(n;z)",
        caption="I(n;z)",
        section=EXAMPLES,
        compared=True,
        better="larger",
        ranks=False,
        meaning="how much a code tells about which of your N examples it came from",
    ),
    "log_n": ReportRow(
        label="log N, the cap on I(n;z)",
        heading="log N",
        section=EXAMPLES,
        meaning="the most that I(n;z) can be. When they meet, I(n;z) has counted your examples, "
        "not measured your model; genprobe warns",
    ),
    "marginal_kl": ReportRow(
        label="marginal KL = R − I(n;z)",
        heading="marg. KL",
        caption="marginal KL",
        section=EXAMPLES,
        compared=True,
        better="smaller",
        meaning="KL(q(z) ‖ p(z)): the part of the rate spent because the codes, taken together, "
        "do not follow the prior",
    ),
    "marginal_kl_floor": ReportRow(
        label="marginal KL floor, R − log N",
        heading="KL floor",
        section=EXAMPLES,
        bound="lower",
        meaning="the least the marginal KL can be with so few examples, however good the prior",
    ),
    "total_correlation": ReportRow(
        label="total correlation",
        heading="TC",
        section=EXAMPLES,
        meaning="how far the latent dimensions are from independent of each other",
    ),
    "mutual_information_population_upper": ReportRow(
        label="mutual information I(X;Z)",
        heading="I upper",
        section=POPULATION,
        bound="upper",
        better="larger",
        ranks=False,
        meaning="for the population: at most this, up to its error; the least of R and the next "
        "two rows",
    ),
    "mutual_information_loo": ReportRow(
        label="  by leave-one-out",
        heading="I by LOO",
        section=POPULATION,
        bound="upper",
        meaning="an upper bound from the other examples' posteriors",
    ),
    "rate_fitted_prior": ReportRow(
        label="  by a fitted prior",
        heading="R fitted",
        section=POPULATION,
        bound="upper",
        meaning="R under a prior fitted to other examples' codes",
    ),
    "prior_saving": ReportRow(
        label="saved by a fitted prior",
        heading="saving",
        section=POPULATION,
        meaning="the nats per example that swapping your prior for that one would save, at once",
    ),
    "marginal_kl_population_lower": ReportRow(
        label="marginal KL, lower end",
        heading="KL lower",
        section=POPULATION,
        bound="lower",
        meaning="for the population: at least this, up to its error",
    ),
    "marginal_kl_population_upper": ReportRow(
        label="marginal KL, upper end",
        heading="KL upper",
        section=POPULATION,
        bound="upper",
        meaning="for the population: at most this, up to its error",
    ),
    "active_units": ReportRow(
        label="active units",
        heading="active",
        section=CODE,
        unit="count",
        of_dimensions=True,
        better="larger",
        ranks=False,
        meaning="latent dimensions whose posterior mean moves with x",
    ),
    "generative_mutual_information": ReportRow(
        label="I of the generative joint",
        heading="I gen.",
        section=CODE,
        bound="lower",
        better="larger",
        ranks=False,
        meaning="how much of a code sampled from the prior survives decoding and encoding again",
    ),
    "code_entropy": ReportRow(
        label="entropy of the codes, a token",
        heading="H(code)",
        section=CODE,
        meaning="what a token of a quantiser carries at most, by the histogram of all places",
    ),
    "code_perplexity": ReportRow(
        label="perplexity of the codes",
        heading="perplexity",
        section=CODE,
        unit="classes",
        meaning="how many classes, all used alike, would have that entropy",
    ),
    "code_usage": ReportRow(
        label="share of the codebook in use",
        heading="usage",
        section=CODE,
        unit="share",
        meaning="classes that any of these examples uses; more examples use more",
    ),
    "scaling_factor": ReportRow(
        label="scaling factor 1/σ(z)",
        heading="scaling",
        section=CODE,
        unit="1/z",
        meaning="what a generator multiplies codes on a grid by, so that their spread is 1; "
        "`scaling_factor` of a diffusers config",
    ),
    "shift_factor": ReportRow(
        label="shift factor, mean of z",
        heading="shift",
        section=CODE,
        unit="z",
        meaning="what it takes off them first; `shift_factor` of a diffusers config",
    ),
    "spectrum_slope": ReportRow(
        label="slope of the spectrum",
        heading="spectrum",
        section=CODE,
        unit="log/log",
        meaning="how fast the power of codes on a grid falls with frequency: 0 is white noise",
    ),
    "inference_gap": ReportRow(
        label="inference gap log p(x) − ELBO",
        heading="inf. gap",
        section=INFERENCE,
        bound="lower",
        better="smaller",
        meaning="the nats of −ELBO that are no fault of decoder and prior: the mean of "
        "KL(q(z|x) ‖ p(z|x))",
    ),
    "amortization_gap": ReportRow(
        label="  by the encoder",
        heading="enc. gap",
        section=INFERENCE,
        bound="lower",
        better="smaller",
        meaning="what the best posterior of the family, found for each example by itself, gains "
        "over the encoder's",
    ),
    "approximation_gap": ReportRow(
        label="  by the posterior family",
        heading="fam. gap",
        section=INFERENCE,
        better="smaller",
        meaning="what even the best posterior of the family lacks to log p(x)",
    ),
}
"""The rows of the registered estimators, in the order of the tables."""

LABEL = "Of a label"

LABELS: Mapping[str, ReportRow] = {
    "label_entropy": ReportRow(
        label="entropy H(Y)",
        heading="H(Y)",
        section=LABEL,
        meaning="the most that anything can tell of the label",
    ),
    "label_information": ReportRow(
        label="label information I(Y;Z)",
        heading="I(Y;Z)",
        section=LABEL,
        bound="lower",
        better="larger",
        ranks=False,
        meaning="for the population: what the code tells of the label at least, by a predictor "
        "that never saw the examples it is scored on",
    ),
    "label_information_upper": ReportRow(
        label="label information, upper end",
        heading="I(Y;Z) ≤",
        section=LABEL,
        bound="upper",
        meaning="for the population: at most this, up to its error",
    ),
    "label_share": ReportRow(
        label="share of H(Y)",
        heading="share",
        section=LABEL,
        unit="share",
        bound="lower",
        meaning="the label information as a share of the entropy",
    ),
    "label_information_index": ReportRow(
        label="label information I(y;z)",
        heading="I(y;z)",
        section=LABEL,
        meaning="for these N examples; H(y) for any label, also a random one, once codes are far "
        "apart: then it is flagged as saturated",
    ),
    "label_remainder": ReportRow(
        label="besides it I(X;Z|Y), at least",
        heading="I(X;Z|Y)",
        section=LABEL,
        bound="lower",
        meaning="what the code tells of an example that the label does not, at least",
    ),
    "label_remainder_upper": ReportRow(
        label="besides it I(X;Z|Y), at most",
        heading="I(X;Z|Y) ≤",
        section=LABEL,
        bound="upper",
        meaning="the same at most",
    ),
    "label_gap": ReportRow(
        label="gap of the dimensions (MIG)",
        heading="MIG",
        section=LABEL,
        unit="share",
        better="larger",
        ranks=False,
        meaning="how much more the most telling dimension tells of the label than the next, as a "
        "share of H(y) (Chen et al. 2018)",
    ),
}
"""The rows of every label, in the order of the tables."""

CATALOG: Mapping[str, ReportRow] = {
    **ESTIMATORS,
    "entropy_bound": ReportRow(
        label="Ĥ",
        heading="Ĥ",
        section=PLANE,
        bound="upper",
        hidden=True,
        meaning="the smallest known upper bound on the entropy of the data",
    ),
}
"""These and what a report adds to them: the bound on the entropy comes from several estimates."""


def row_of(name: str) -> ReportRow:
    """What the tables say of an estimate: genprobe's own, a plugin's, or its name alone.

    Args:
        name: of the estimate.

    Example:
        >>> row_of("marginal_kl").heading
        'marg. KL'
        >>> row_of("of_a_plugin_that_is_gone").label
        'of a plugin that is gone'
    """
    known = CATALOG.get(name) or LABELS.get(name)
    if known is not None:
        return known
    parts = plugins().parts("estimators")
    return row_from(name, next((part.value for part in parts if part.name == name), None))
