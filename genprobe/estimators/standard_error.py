r"""Means over examples with their two standard errors.

``se`` is the Monte Carlo error for these very examples; ``se_data`` takes the examples as a sample
of a population. Draws of one example are averaged first: the example is the independent unit.

Where only m of N examples were taken, without replacement, and r draws of each, the error for
these N is that of two-stage sampling (Cochran 1977, section 10.4),

.. math::

    \mathrm{se}^2 = \Big(1 - \frac mN\Big) \frac{s_b^2}{m} + \frac{s_w^2}{N r},

with s_b² the variance over examples of their means and s_w² the mean variance over draws.

Examples that are equal are one observation: over the data the sums over the copies of each
distinct example are what is independent (a cluster-robust error, Liang & Zeger 1986).

Errors are as large as 1.96 of them must be to hold 95 %: with few values, or skewed ones, that is
more than their standard deviation.
"""

import math

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.students_t import students_t
from genprobe.estimators.tail import tail_factor
from genprobe.report import Estimate, Kind

CAUTION = 3
"""Times the term of skewness and kurtosis, because those of a heavy tail are seen too small in a
sample: with a log-normal of skewness 33 and 150 values, one time covers 89 %, three times 92 %."""


def standard_error(values: Float64[Tensor, " n"]) -> float | None:
    """Standard error of the mean of independent values; None for a single one.

    Example:
        >>> import torch
        >>> standard_error(torch.tensor([1.0, 3.0]).double())
        1.0
    """
    if len(values) > 1 and values.min() == values.max():
        return 0.0  # whose standard deviation is the rounding of their mean
    return float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None


def interval_factor(values: Float64[Tensor, " n"]) -> float:
    """By how much the standard error of the mean must grow for 1.96 of it to hold 95 %.

    The second-order term of the Edgeworth expansion of the studentised mean (Hall 1992, "The
    Bootstrap and Edgeworth Expansion", eq. 2.55), taken with caution, and no less than Student's t.
    A mean of rare large values needs it: a sample that happens to miss some of them is off, and
    understates its own error.

    Example:
        >>> import torch
        >>> interval_factor(torch.ones(10).double())
        1.0
    """
    centred = values - values.mean()
    variance = centred.square().mean()
    if variance == 0:
        return 1.0
    skewness = centred.pow(3).mean() / variance**1.5
    kurtosis = centred.pow(4).mean() / variance.square() - 3
    x = 1.96**2
    term = skewness.square() * (x * x + 2 * x - 3) / 18 - kurtosis * (x - 3) / 12
    edgeworth = 1 + (CAUTION * max(0.0, float(term)) + (x + 3) / 4) / len(values)
    return max(edgeworth, student_factor(float(len(values) - 1)))


def root_of_mean(variances: Float64[Tensor, " m"], draws: int, n: int | None = None) -> float:
    """Standard error of a mean over n examples of which each errs by itself.

    As few examples may carry it, Student's t takes the place of the normal, with the degrees of
    freedom of a sum of estimated variances.

    Args:
        variances: (m,) of the value of each example, each from its own draws.
        draws: of each example, at least 2.
        n: number of examples that the m stand for; m by default.

    Example:
        >>> import torch
        >>> round(root_of_mean(torch.ones(10_000).double(), 4), 3)
        0.01
    """
    factor = student_factor(degrees_of_freedom(variances, draws))
    return math.sqrt(float(variances.mean()) / (n or len(variances))) * factor


def degrees_of_freedom(variances: Float64[Tensor, " m"], draws: int) -> float:
    r"""Of the mean of m estimated variances (Satterthwaite 1946), at least one.

    .. math::

        \nu = (r + 1) \frac{(\sum v)^2}{\sum v^2} - 2

    unbiased for m variances of one size, where it is m (r − 1).

    Args:
        variances: (m,) each from its own draws.
        draws: r, at least 2.

    Example:
        A single example of four draws.

        >>> import torch
        >>> degrees_of_freedom(torch.ones(1).double(), 4)
        3.0
    """
    largest = float(variances.max())
    if largest == 0:
        return math.inf
    shares = variances / largest  # whose squares do not overflow
    return max(1.0, (draws + 1) * float(shares.sum() ** 2 / shares.square().sum()) - 2)


def student_factor(freedom: float) -> float:
    """How far Student's t of 95 % lies beyond the normal's 1.96.

    Example:
        >>> round(student_factor(9.0), 3)
        1.154
    """
    return students_t(0.05, freedom) / students_t(0.05, math.inf)


def within_error(values: Float64[Tensor, "draw m"], n: int | None = None) -> float | None:
    """Standard error of the mean for these very examples.

    With a single draw it cannot be separated from the spread over examples, and the standard error
    over examples, which contains it, stands as an upper bound. None for a single example of many.

    Args:
        values: (draw, m).
        n: number of examples that the m were taken from, without replacement; m by default.

    Example:
        Draws that agree leave no error once all examples are taken.

        >>> import torch
        >>> within_error(torch.tensor([[1.0, 3.0], [1.0, 3.0]]).double())
        0.0
    """
    if len(values) == 1:
        return data_error(values)
    return two_stage_error(values.mean(0), noise_of(values), len(values), n)


def two_stage_error(
    means: Float64[Tensor, " m"],
    variances: Float64[Tensor, " m"],
    draws: int,
    n: int | None = None,
) -> float | None:
    """Standard error of the mean of values that err by themselves, of m of n examples.

    Args:
        means: (m,) the values.
        variances: (m,) of each, from its own draws.
        draws: of each; the fewest, where several quantities were drawn.
        n: number of examples that the m were taken from, without replacement; m by default.

    Example:
        >>> import torch
        >>> means = torch.tensor([1.0, 3.0]).double()
        >>> two_stage_error(means, torch.zeros(2).double(), draws=2)
        0.0
        >>> two_stage_error(means, torch.zeros(2).double(), draws=2, n=4) > 0.7
        True
    """
    m = len(means)
    population = n or m
    drawn = root_of_mean(variances, draws, population)
    if m == population:
        return drawn
    if m < 2:
        return None
    left_out = math.sqrt((1 - m / population) * float(means.var()) / m) * interval_factor(means)
    return math.hypot(left_out, drawn)


def noise_of(values: Float64[Tensor, "draw m"]) -> Float64[Tensor, " m"]:
    """Variance of each example's mean over its draws; 0 of a closed form, a single row.

    Example:
        >>> import torch
        >>> noise_of(torch.tensor([[1.0], [3.0]]).double())
        tensor([1.], dtype=torch.float64)
    """
    return values.var(0) / len(values) if len(values) > 1 else torch.zeros_like(values[0])


def cluster_means(
    values: Float64[Tensor, " m *k"], which: Int64[Tensor, " m"] | None
) -> Float64[Tensor, " c *k"]:
    """Independent values of the same mean, one of each distinct example.

    They are the mean plus what the copies of the example add to the sum of all, as a share of how
    many copies there are on average. Their standard error is the cluster-robust one.

    Args:
        values: (m, ...) of every example.
        which: (m,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> cluster_means(torch.tensor([1.0, 1.0, 4.0]).double(), torch.tensor([0, 0, 5]))
        tensor([0.6667, 3.3333], dtype=torch.float64)
    """
    if which is None:
        return values
    _, cluster = torch.unique(which, return_inverse=True)
    count = int(cluster.max()) + 1
    mean = values.mean(0)
    sums = torch.zeros(count, *values.shape[1:], dtype=values.dtype)
    sums.index_add_(0, cluster, values - mean)
    found: Tensor = mean + sums * (count / len(values))
    return found


def data_error(
    values: Float64[Tensor, "draw m"], which: Int64[Tensor, " m"] | None = None
) -> float | None:
    """Standard error with the m examples as a sample of a population; None for a single one.

    A heavy tail is told by its shape (``genprobe.estimators.tail``), of the examples: how often one
    is copied makes none.

    Args:
        values: (draw, m).
        which: (m,) the distinct example that each is; None where all differ.

    Example:
        Four hundred examples, or two of which there are two hundred copies each.

        >>> import torch
        >>> two = torch.tensor([[1.0, 3.0], [1.0, 3.0]]).double()
        >>> many, which = two.repeat(1, 200), torch.arange(2).repeat(200)
        >>> data_error(two[:, :1]) is None, round(data_error(many), 2), data_error(many, which) > 1
        (True, 0.05, True)
    """
    each = values.mean(0)
    means = cluster_means(each, which)
    if len(means) > 1 and each.min() == each.max():
        return 0.0  # sums over copies round
    plain = standard_error(means)
    return None if plain is None else plain * max(interval_factor(means), tail_factor(each))


def mean_over_examples(
    name: str,
    values: Float64[Tensor, "draw m"],
    *,
    n: int | None = None,
    exact: bool = False,
    kind: Kind = "estimate",
    which: Int64[Tensor, " m"] | None = None,
    unit: str = "nats",
) -> Estimate:
    """The mean of values (draw, m), with its two standard errors.

    Args:
        name: of the estimate.
        values: draws first.
        n: number of examples that the m were taken from; m by default.
        exact: whether the values carry no Monte Carlo error.
        kind: of the estimate, if it is not exact.
        which: (m,) the distinct example that each is; None where all differ.
        unit: of the values.

    Example:
        >>> import torch
        >>> mean_over_examples("rate", torch.tensor([[1.0, 3.0]]).double()).value
        2.0
    """
    return Estimate(
        name=name,
        value=float(values.mean()),
        se=0.0 if exact else within_error(values, n),
        se_data=data_error(values, which),
        kind="exact" if exact else kind,
        unit=unit,
        n=values.shape[1],
    )


def sum_over_examples(
    name: str,
    values: Float64[Tensor, "draw n"],
    drawn: Float64[Tensor, "otherdraw n"],
    which: Int64[Tensor, " n"] | None = None,
) -> Estimate:
    """The mean of a sum of two quantities in nats: draw by draw, or each from its own draws.

    Args:
        name: of the estimate.
        values: (draw, n), or a closed form (1, n).
        drawn: (draw, n) of the same draws, or of others.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> one, two = torch.ones(3, 4).double(), torch.ones(2, 4).double()
        >>> sum_over_examples("elbo", one, two).value
        2.0
    """
    if len(values) in (1, len(drawn)):
        return mean_over_examples(name, values + drawn, which=which)
    means = values.mean(0) + drawn.mean(0)
    return Estimate(
        name=name,
        value=float(means.mean()),
        se=sum_error(values, drawn),
        se_data=data_error(means[None], which),
        kind="estimate",
        n=len(means),
    )


def sum_error(
    values: Float64[Tensor, "draw m"], drawn: Float64[Tensor, "otherdraw m"], n: int | None = None
) -> float | None:
    """Standard error, for these very examples, of the mean of a sum of independent quantities.

    Args:
        values: (draw, m), or a closed form (1, m).
        drawn: (draw, m) of other draws; of a single one the noise is not known apart from the
            spread over examples, which bounds it.
        n: number of examples that the m were taken from; m by default.

    Example:
        >>> import torch
        >>> one, two = torch.ones(3, 4).double(), torch.ones(2, 4).double()
        >>> sum_error(one, two)
        0.0
    """
    means = values.mean(0) + drawn.mean(0)
    if len(drawn) == 1:
        return within_error(means[None], n)
    draws = min({len(values), len(drawn)} - {1})
    return two_stage_error(means, noise_of(values) + noise_of(drawn), draws, n)
