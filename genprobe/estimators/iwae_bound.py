r"""IWAE bound: the importance-weighted bound on the negative log-likelihood, with K draws.

.. math::

    -\frac1N \sum_n \mathbb E \log \frac1K \sum_{k=1}^K \frac{p(x_n, z_k)}{q(z_k|x_n)}
    \ge -\frac1N \sum_n \log p(x_n)

An upper bound on the negative log-likelihood, and so on the entropy H of the data: the tightest on
H that one model gives. K is the number of draws in the store. Burda, Grosse & Salakhutdinov (2016),
"Importance weighted autoencoders", eq. 8.

Its Monte Carlo error is the jackknife over draws (Efron & Stein 1981, "The jackknife estimate of
variance"): the delta method would say that a mean of K weights never errs by more than √(K − 1) of
itself, while its logarithm errs by as much as the largest weight does, any number of nats. With two
draws the jackknife sees a logarithm of one weight at a time, and takes too little off for the
second: there its square is left at that of one draw, which Efron and Stein show to be no less than
the true one in expectation.
"""

import math

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.standard_error import data_error, root_of_mean
from genprobe.report import Estimate

OF_TWO_DRAWS = "with two draws, the error of one, which is no less"


def iwae_bound(
    log_weight: Float64[Tensor, "draw n"], which: Int64[Tensor, " n"] | None = None
) -> Estimate:
    """The importance-weighted upper bound on the negative log-likelihood, nats per example.

    Args:
        log_weight: (draw, n) log p(x|z) + log p(z) − log q(z|x), nats.
        which: (n,) the distinct example that each is; None where all differ.

    Raises:
        UnavailableError: with a single draw, where the bound is the ELBO.

    Example:
        Where q(z|x) is the exact posterior every weight is p(x), and the bound is exact.

        >>> import torch
        >>> found = iwae_bound(torch.full((2, 3), -5.0).double())
        >>> found.value, found.se
        (5.0, 0.0)
    """
    draws, n = log_weight.shape
    if draws < 2:
        raise UnavailableError("With one draw the IWAE bound is the ELBO; give more draws.")
    bound = iwae_bounds(log_weight)
    return Estimate(
        name="iwae_bound",
        value=float(bound.mean()),
        se=root_of_mean(jackknife_variance(log_weight), draws),
        se_data=data_error(bound[None], which),
        kind="upper",
        n=n,
        remark=OF_TWO_DRAWS if draws == 2 else "",
    )


def iwae_bounds(log_weight: Float64[Tensor, "draw n"]) -> Float64[Tensor, " n"]:
    """The bound on −log p(x_n) of every example (n,), nats.

    Args:
        log_weight: (draw, n) log p(x|z) + log p(z) − log q(z|x), nats.

    >>> iwae_bounds(torch.tensor([[-1.0], [-1.0]]).double())
    tensor([1.], dtype=torch.float64)
    """
    return math.log(len(log_weight)) - torch.logsumexp(log_weight, 0)


def jackknife_variance(log_weight: Float64[Tensor, "draw n"]) -> Float64[Tensor, " n"]:
    """The variance over draws of each example's bound, by leaving out one draw after the other.

    Args:
        log_weight: (draw, n) nats, at least two draws.

    Example:
        With two draws it is half the squared difference of the log weights.

        >>> import torch
        >>> round(float(jackknife_variance(torch.tensor([[0.0], [4.0]]).double())), 6)
        8.0
    """
    draws, without = len(log_weight), leave_one_out(log_weight)
    squares = (without - without.mean(0)).square().sum(0)
    return squares if draws == 2 else squares * (draws - 1) / draws


def jackknife_bias(log_weight: Float64[Tensor, "draw n"]) -> Float64[Tensor, " n"]:
    """How far each example's bound is from the value it tends to, by leaving out each draw in turn.

    It is what the jackknife takes off (Quenouille 1956): about V/2K for K weights whose logarithms
    have the variance V. What is left is no bound any more.

    Args:
        log_weight: (draw, n) nats, at least two draws.

    Example:
        >>> import torch
        >>> some = 0.1 * torch.randn(8, 1, generator=torch.Generator().manual_seed(0)).double()
        >>> bool((jackknife_bias(some) - some.var(0) / 16).abs() < 1e-4)
        True
    """
    draws = len(log_weight)
    without = math.log(draws - 1) - leave_one_out(log_weight).mean(0)
    return (draws - 1) * (without - iwae_bounds(log_weight))


def leave_one_out(log_weight: Float64[Tensor, "draw n"]) -> Float64[Tensor, "draw n"]:
    """The logarithm of the sum of all weights of an example but one, for each of them (draw, n).

    >>> import torch
    >>> found = leave_one_out(torch.tensor([[1.0], [2.0]]).double())
    >>> [round(value, 6) for value in found.flatten().tolist()]
    [2.0, 1.0]
    """
    every = torch.logsumexp(log_weight, 0)
    without = every + torch.log1p(-(log_weight - every).exp())
    top = log_weight.argmax(0, keepdim=True)  # whose share may be 1: its rest is summed anew
    rest = torch.logsumexp(log_weight.scatter(0, top, -math.inf), 0, keepdim=True)
    return without.scatter(0, top, rest)
