"""Control variates for I(n;z): functions of (n, z) whose mean under the codes is known exactly.

Over n uniform and z ~ q(z|x_n), log q(z|x_n) + H_n, H_n − H̄, R_n − R̄, z − E z and z zᵀ − E z zᵀ all
have mean zero, the last two by the mixture's moments. −log q(z) is regressed on them, and what they
explain is taken off. The regression that corrects an example is fitted to the other four folds of
examples, so the corrected values are unbiased and their spread is honest, however many controls.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

FOLDS = 5
EXAMPLES_PER_CONTROL = 8
RIDGE = 1e-8


@dataclass(frozen=True, eq=False)
class CodeMoments:
    """What is known exactly of all N posteriors, nats and float64.

    Attributes:
        entropy: (n,) of each posterior.
        rate: (n,) of each example where it is a closed form, else zeros.
        mean: (k,) E z under the aggregate posterior, z flattened.
        second: (k,) E z², or (k, k) E z zᵀ.
    """

    entropy: Float64[Tensor, " n"]
    rate: Float64[Tensor, " n"]
    mean: Float64[Tensor, " k"]
    second: Float64[Tensor, " *k"]


def controls(
    z: Float[Tensor, "draw m *latent"],
    log_qz_x: Float64[Tensor, "draw m"],
    query: Int64[Tensor, " m"],
    moments: CodeMoments,
) -> Float64[Tensor, "draw m control"]:
    """As many of the controls as the number of examples allows, the cheapest first.

    Args:
        z: the queries.
        log_qz_x: (draw, m) log q(z|x_n), nats.
        query: (m,) the examples.
        moments: of all posteriors.
    """
    entropy, rate = moments.entropy, moments.rate
    scalars = [
        log_qz_x + entropy[query],
        (entropy - entropy.mean())[query].expand_as(log_qz_x),
        (rate - rate.mean())[query].expand_as(log_qz_x),
    ]
    found = torch.stack(scalars, -1)
    flat = z.double().flatten(2)
    k, most = flat.shape[2], len(query) // EXAMPLES_PER_CONTROL
    if 3 + 2 * k > most:
        return found
    centred = flat - moments.mean
    if moments.second.dim() == 1 or 3 + k + k * (k + 1) // 2 > most:
        variance = moments.second if moments.second.dim() == 1 else moments.second.diagonal()
        squares = centred.square() - (variance - moments.mean.square())
        return existing(torch.cat([found, centred, squares], -1))
    covariance = moments.second - moments.mean.outer(moments.mean)
    row, column = torch.triu_indices(k, k)
    products = centred[..., row] * centred[..., column] - covariance[row, column]
    return existing(torch.cat([found, centred, products], -1))


def existing(
    features: Float64[Tensor, "draw m control"],
) -> Float64[Tensor, "draw m some"]:
    """Those whose mean exists: a heavy-tailed posterior may have no mean or no variance."""
    finite = features.isfinite().flatten(0, 1).all(0)
    return features.index_select(2, finite.nonzero().squeeze(1))


def corrected(
    values: Float64[Tensor, "draw m"], features: Float64[Tensor, "draw m control"]
) -> Float64[Tensor, "draw m"]:
    """Values less what the controls explain of them; their mean is unbiased.

    Args:
        values: (draw, m).
        features: (draw, m, control), each of mean zero.
    """
    m = values.shape[1]
    fold = torch.arange(m) % FOLDS
    result = values.clone()
    if m < 2 * FOLDS:
        return result
    scale = features.flatten(0, 1).std(0)
    features = features / scale.where(scale > 0, 1.0)
    for f in range(FOLDS):
        slope = regress(values[:, fold != f].flatten(), features[:, fold != f].flatten(0, 1))
        result[:, fold == f] -= features[:, fold == f] @ slope
    return result


def regress(
    values: Float64[Tensor, " row"], features: Float64[Tensor, "row control"]
) -> Float64[Tensor, " control"]:
    """Least-squares slopes with an intercept; a small ridge settles collinear controls."""
    centred = features - features.mean(0)
    gram = centred.T @ centred
    gram.diagonal().add_(RIDGE * len(values))
    slopes: Tensor = torch.linalg.solve(gram, centred.T @ (values - values.mean()))
    return slopes
