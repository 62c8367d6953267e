"""Targets whose log p(x), posteriors and curves are known."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch.distributions import MultivariateNormal

from genprobe.annealing.target import Target
from genprobe.families.diagonal_normal import diagonal_normal


def target_from(log_px_z, log_pz, beta=1.0, sample=None):
    """A target of functions of z (m, *latent) that torch can differentiate."""

    def with_gradient(values, z):
        place = z.detach().requires_grad_()
        with torch.enable_grad():
            found = values(place)
            (gradient,) = torch.autograd.grad(found.sum(), place, materialize_grads=True)
        return found.detach(), gradient

    return Target(
        log_px_z=lambda z, rows: with_gradient(lambda place: log_px_z(place, rows), z),
        log_pz=lambda z: with_gradient(log_pz, z),
        beta=beta,
        sample=sample,
    )


def linear_gaussian(k, d, *, examples=4, variance=0.5, seed=0):
    """x ~ N(Wz + b, v) of d values, z ~ N(0, 1) of k: everything about it, in closed form."""
    noise = torch.Generator().manual_seed(seed)
    weight = torch.randn(d, k, generator=noise, dtype=torch.float64) / math.sqrt(k)
    offset = torch.randn(d, generator=noise, dtype=torch.float64)
    z = torch.randn(examples, k, generator=noise, dtype=torch.float64)
    error = torch.randn(examples, d, generator=noise, dtype=torch.float64)
    x = z @ weight.T + offset + math.sqrt(variance) * error

    def log_px_z(code, rows):
        left = x[rows] - offset - code @ weight.T
        return -left.square().sum(1) / (2 * variance) - d / 2 * math.log(2 * math.pi * variance)

    def precision(beta):
        return torch.eye(k).double() + beta / variance * weight.T @ weight

    def mean(beta):
        return torch.linalg.solve(precision(beta), beta / variance * weight.T @ (x - offset).T).T

    def curve(beta):
        """R and D of each example under q_β."""
        covariance, loc = torch.linalg.inv(precision(beta)), mean(beta)
        rate = (covariance.trace() + loc.square().sum(1) - k - torch.logdet(covariance)) / 2
        spread = (weight @ covariance * weight).sum() / (2 * variance)
        return rate, spread - log_px_z(loc, torch.arange(examples))

    diagonal = precision(1.0).diagonal()
    evidence = MultivariateNormal(
        offset, weight @ weight.T + variance * torch.eye(d, dtype=torch.float64)
    )
    target = target_from(
        log_px_z,
        lambda code: -(code.square() + math.log(2 * math.pi)).sum(1) / 2,
        sample=lambda n: torch.randn(n, k, dtype=torch.float64),
    )
    return SimpleNamespace(
        target=target,
        z=z,
        log_px=evidence.log_prob(x),
        precision=precision(1.0),
        mean=mean(1.0),
        best={"loc": mean(1.0), "scale": diagonal.rsqrt().expand(examples, k).clone()},
        wrong={"loc": mean(1.0) / 2, "scale": 5 * diagonal.rsqrt().expand(examples, k)},
        approximation_gap=float(diagonal.log().sum() - torch.logdet(precision(1.0))) / 2,
        curve=curve,
    )


def loss_against_best(model, params):
    """By how much L of diagonal normals is below that of the best ones (M,), nats; exact."""
    diagonal, apart = model.precision.diagonal(), params["loc"] - model.mean
    variance = params["scale"].square()
    far = torch.einsum("mi,ij,mj->m", apart, model.precision, apart)
    wide = (variance * diagonal - 1 - (variance * diagonal).log()).sum(1)
    return (far + wide) / 2


@pytest.fixture
def known():
    return SimpleNamespace(
        linear_gaussian=linear_gaussian,
        loss_against_best=loss_against_best,
        target_from=target_from,
        family=diagonal_normal,
    )
