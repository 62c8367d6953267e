r"""Control variates for I(n;z): functions of (n, z) whose mean under the codes is known exactly.

.. math::

    \hat I = \frac1M \sum_m \big(v_m - \hat\beta \cdot c_m\big), \qquad \mathbb E[c_m] = 0

Over n uniform and z ~ q(z|x_n), log q(z|x_n) + H_n, H_n − H̄, R_n − R̄, z − E z and z zᵀ − E z zᵀ
all have mean zero, the last two by the mixture's moments. The values are regressed on them, and
what they explain is taken off. One regression serves all queries: so a control that is the same for
every draw of an example cancels exactly once all examples are taken. The error left is read from
leave-one-out residuals, e / (1 − leverage), which are honest however many controls there are. Where
a few queries decide the fit, the first control is used alone; where even that does not help, or
examples are few, the plain estimator stands.
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.code_moments import aggregate_moments, distance, expected_distance
from genprobe.distributions.latents import flat
from genprobe.estimators.standard_error import interval_factor, within_error
from genprobe.runtime.outer_threads import outer_threads
from genprobe.types import Family, Params

EXAMPLES_PER_CONTROL = 8
RIDGE = 1e-8
FEW = 100
"""Fewer examples than these settle no slope."""
MOST_LEVERAGE = 0.3
"""A query that decides so much of its own fit says that others like it would change the fit."""


@dataclass(frozen=True, eq=False)
class CodeMoments:
    """What is known exactly of all N posteriors, nats and float64.

    Attributes:
        entropy: (n,) of each posterior.
        rate: (n,) of each example where it is a closed form, else zeros.
        mean: (k,) E z under the aggregate posterior, z flattened.
        second: (k,) E z², or (k, k) E z zᵀ.
        distance: (n,) expected squared Mahalanobis distance from that mean, of each posterior.
    """

    entropy: Float64[Tensor, " n"]
    rate: Float64[Tensor, " n"]
    mean: Float64[Tensor, " k"]
    second: Float64[Tensor, " *k"]
    distance: Float64[Tensor, " n"]


def code_moments(
    blocks: Callable[[], Iterable[tuple[int, Params]]],
    family: Family,
    entropy: Float64[Tensor, " n"],
    rate: Float64[Tensor, " n"],
) -> CodeMoments:
    """What is known exactly of all posteriors.

    Args:
        blocks: (first example, parameters of a stretch), in order; each call starts over.
        family: of the posteriors.
        entropy: (n,) of each posterior, nats.
        rate: (n,) of each example where it is a closed form, else zeros.
    """
    mean, second = aggregate_moments(blocks(), family)
    return CodeMoments(
        entropy, rate, mean, second, expected_distance(blocks(), family, mean, second)
    )


@dataclass(frozen=True, eq=False)
class Controls:
    """Control variates of the queries, made ready once for every regression on them.

    Attributes:
        features: (draw, m, control), each of mean zero, in units of their spread.
        factor: (control, control) Cholesky factor of their covariance over the queries, unscaled.
        leverage: (draw, m) how much of its own fit each query decides.
        own: (draw, m, few) controls whose mean is zero for each example by itself.
    """

    features: Float64[Tensor, "draw m control"]
    factor: Float64[Tensor, "control control"]
    leverage: Float64[Tensor, "draw m"]
    own: Float64[Tensor, "draw m few"] | None = None


def prepared(features: Float64[Tensor, "draw m control"]) -> Controls:
    """Controls ready for least squares with an intercept; a small ridge settles collinear ones.

    Args:
        features: (draw, m, control), each of mean zero.
    """
    rows = features.flatten(0, 1)
    scale = rows.std(0, correction=0)
    scale = scale.where(scale > 0, 1.0)
    centred = (rows - rows.mean(0)) / scale
    gram = centred.T @ centred
    gram.diagonal().add_(RIDGE * len(rows))
    factor = torch.linalg.cholesky(gram)
    white = torch.linalg.solve_triangular(factor, centred.T, upper=False)
    leverage = white.square().sum(0) + 1 / len(rows)
    return Controls(features / scale, factor, leverage.view(features.shape[:2]))


@outer_threads()
def controls(
    z: Float[Tensor, "draw m *latent"],
    log_qz_x: Float64[Tensor, "draw m"],
    query: Int64[Tensor, " m"],
    moments: CodeMoments,
) -> Controls:
    """As many of the controls as the number of examples allows, the cheapest first.

    Args:
        z: the queries.
        log_qz_x: (draw, m) log q(z|x_n), nats.
        query: (m,) the examples.
        moments: of all posteriors.
    """
    entropy, rate = moments.entropy, moments.rate
    deviation = log_qz_x + entropy[query]
    scalars = [
        deviation,
        (entropy - entropy.mean())[query].expand_as(log_qz_x),
        (rate - rate.mean())[query].expand_as(log_qz_x),
    ]
    each = [distance(draw, moments.mean, moments.second) for draw in flat(z, 2)]  # in float64
    far = torch.stack(each) - moments.distance[query]
    own = existing(torch.stack([deviation, far], -1))
    found = existing(torch.cat([torch.stack(scalars, -1), *of_codes(z, query, moments)], -1))
    return dataclasses.replace(prepared(found), own=own)


def of_codes(
    z: Float[Tensor, "draw m *latent"], query: Int64[Tensor, " m"], moments: CodeMoments
) -> list[Float64[Tensor, "draw m some"]]:
    """First and second powers of z less their means, as many as the number of examples allows."""
    k, most = len(moments.mean), len(query) // EXAMPLES_PER_CONTROL
    if 3 + 2 * k > most:
        return []
    centred = flat(z.double(), 2) - moments.mean
    if moments.second.dim() == 1 or 3 + k + k * (k + 1) // 2 > most:
        variance = moments.second if moments.second.dim() == 1 else moments.second.diagonal()
        return [centred, centred.square() - (variance - moments.mean.square())]
    covariance = moments.second - moments.mean.outer(moments.mean)
    row, column = torch.triu_indices(k, k)
    return [centred, centred[..., row] * centred[..., column] - covariance[row, column]]


def existing(
    features: Float64[Tensor, "draw m control"],
) -> Float64[Tensor, "draw m some"]:
    """Those whose mean exists: a heavy-tailed posterior may have no mean or no variance."""
    finite = features.isfinite().flatten(0, 1).all(0)
    return features.index_select(2, finite.nonzero().squeeze(1))


@outer_threads()
def reduced(
    values: Float64[Tensor, "draw m"], controls: Controls | None, n: int
) -> tuple[Float64[Tensor, "draw m"], float | None]:
    """Values less what the controls explain of them, and the standard error of their mean.

    Args:
        values: (draw, m).
        controls: of the same queries; None for none.
        n: number of examples that the m were taken from.

    Returns:
        The corrected values where that helps, else the values as they were; and their error.

    Example:
        Values that a control explains are left without error.

        >>> control = torch.linspace(-1, 1, 400, dtype=torch.float64).view(2, 200, 1)
        >>> _, error = reduced(3 * control[..., 0], prepared(control), 200)
        >>> error < 1e-6
        True
    """
    plain = skewed_error(values, n)
    if controls is None or plain is None:
        return values, plain
    examples, count = values.shape[1], controls.features.shape[2]
    if examples < count + 2:
        return values, plain
    if controls.leverage.max() > MOST_LEVERAGE or examples < FEW:
        first = prepared(controls.features[..., :1])
        return reduced(values, first, n) if count > 1 else (values, plain)
    fitted = controls.features @ slope(values, controls)
    residual = values - fitted
    centred = (residual - residual.mean()) / (1 - controls.leverage).clamp(min=1e-3)
    error = skewed_error(centred, n)
    if error is None or error >= plain:
        return values, plain
    return residual, error


def skewed_error(values: Float64[Tensor, "draw m"], n: int) -> float | None:
    """Monte Carlo error of the mean, widened for the skewness that a cap at log N gives.

    Of some examples only, that of their means is in the error already.
    """
    error = within_error(values, n)
    if error is None or values.shape[1] < n:
        return error
    return error * interval_factor(values.flatten())


def slope(values: Float64[Tensor, "draw m"], controls: Controls) -> Float64[Tensor, " control"]:
    """Least-squares slopes of values on the controls, with an intercept."""
    rows = controls.features.flatten(0, 1)
    answers = rows.T @ (values - values.mean()).flatten()
    return torch.cholesky_solve(answers[:, None], controls.factor).squeeze(1)
