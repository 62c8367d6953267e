"""Posteriors made by a flow: VAE_LinNF and VAE_IAF.

pythae draws u ~ N(loc(x), scale(x)²), sends it through a flow f that is the same for every x, and
decodes z = f(u) under p(z) = N(0, I). As f is a bijection, the code u under the prior pulled back
through it,

    log p(u) = log N(f(u); 0, I) + log |det f′(u)|,

is the same model: rate, distortion, mutual information and marginal KL do not depend on which of u
and z one calls the code. With u the posterior is diagonal normal, and log q(z) needs no inverse.

Rezende & Mohamed (2015), "Variational inference with normalizing flows"; Kingma et al. (2016),
"Improved variational inference with inverse autoregressive flow".
"""

from copy import deepcopy

import torch
from pythae.models.base import BaseAE
from pythae.models.normalizing_flows import IAF, PlanarFlow, RadialFlow
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from genprobe.errors import ModelError
from genprobe.types import Family, Params, Prior
from genprobe_pythae.code import Code
from genprobe_pythae.gaussian import gaussian_encoder

HALVINGS = 80
"""Bisections of a bracket in float64: more find nothing new."""


def flow(module: BaseAE) -> Code:
    """The code before the flow, under the prior pulled back through it.

    Raises:
        ModelError: if a planar layer is not invertible.
    """
    layers = [module.iaf_flow] if hasattr(module, "iaf_flow") else list(module.net)
    for position, layer in enumerate(layers):
        require_invertible(layer, position)

    def decoder_input(u: Tensor) -> Tensor:
        return through(layers, u)[0]

    return Code(
        encode=gaussian_encoder(module),
        posterior="diagonal-normal",
        prior=pulled_back([frozen(layer) for layer in layers], module.latent_dim),
        decoder_input=decoder_input,
    )


def frozen(layer: nn.Module) -> nn.Module:
    """A copy of a layer that is not trained, in float64 on the CPU, where the prior is used."""
    return deepcopy(layer).double().requires_grad_(False)


def pulled_back(layers: list[nn.Module], latent: int) -> Prior:
    """The standard normal prior of z = f(u) as one of u (latent,), in float64."""
    zeros = torch.zeros(latent, dtype=torch.float64)
    normal = Independent(Normal(zeros, torch.ones_like(zeros)), 1, validate_args=False)

    def log_prob(u: Tensor) -> Tensor:
        z, log_det = through(layers, u.double().reshape(-1, latent))
        return (normal.log_prob(z) + log_det).reshape(u.shape[:-1])

    def sample(n: int) -> Tensor:
        z = normal.sample((n,))
        with torch.no_grad():
            for layer in reversed(layers):
                z = inverse(layer, z)
        return z

    def no_kl(family: Family, params: Params) -> Tensor | None:
        return None

    return Prior(name="pythae-flow", log_prob=log_prob, sample=sample, kl=no_kl)


def through(layers: list[nn.Module], u: Tensor) -> tuple[Tensor, Tensor]:
    """f(u) (batch, latent) and log |det f′(u)| (batch,) of u (batch, latent)."""
    total = u.new_zeros(len(u))
    for layer in layers:
        u, log_det = through_one(layer, u)
        total = total + log_det
    return u, total


def through_one(layer: nn.Module, u: Tensor) -> tuple[Tensor, Tensor]:
    """As ``through``, of one layer."""
    if isinstance(layer, IAF):
        return through_iaf(layer, u)
    output = layer(u)
    if isinstance(layer, PlanarFlow):
        return output.out, planar_log_det(layer, u)
    return output.out, output.log_abs_det_jac.reshape(-1)


def through_iaf(layer: IAF, u: Tensor) -> tuple[Tensor, Tensor]:
    """As pythae's ``IAF.inverse``, which sums the determinant in float32 whatever u is."""
    total = u.new_zeros(len(u))
    for block in reversed(layer.net):
        u = u.flip(dims=(1,))
        output = block(u)
        u = u * output.log_var.exp() + output.mu
        total = total + output.log_var.sum(1)
    return u, total


def planar_log_det(layer: PlanarFlow, u: Tensor) -> Tensor:
    """Log |det| of z = u + a tanh(w·u + b), (batch,); pythae's own adds 10⁻⁴ to the determinant."""
    slope = 1 - torch.tanh(u @ layer.w.T + layer.b).square()
    return torch.log1p(slope * steepness(layer)).squeeze(1)


def steepness(layer: PlanarFlow) -> Tensor:
    """w·a of a planar layer, a single value."""
    return (layer.w * layer.u).sum()


def require_invertible(layer: nn.Module, position: int) -> None:
    """Check that a layer is a bijection; pythae does not hold planar ones to it.

    Raises:
        ModelError: if a planar layer has w·u ≤ −1, or a layer is of an unknown kind.
    """
    if isinstance(layer, PlanarFlow) and steepness(layer) <= -1:
        raise ModelError(
            f"Layer {position} of the model's flow, a planar one, is not invertible (w·u = "
            f"{steepness(layer).item():.3g}, not above −1): q(z|x) has no density there.",
            "Train with flows=['Radial', …] or with a VAE_IAF; both are always invertible.",
        )


def inverse(layer: nn.Module, z: Tensor) -> Tensor:
    """The u (batch, latent) that a layer sends to z."""
    if isinstance(layer, IAF):
        return layer(z).out
    return planar_inverse(layer, z) if isinstance(layer, PlanarFlow) else radial_inverse(layer, z)


def planar_inverse(layer: PlanarFlow, z: Tensor) -> Tensor:
    """Bisection for w·u, which grows with w·z and differs from it by at most |w·a|."""
    target, steep = (z @ layer.w.T), steepness(layer)
    low, high = target - steep.abs(), target + steep.abs()
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = middle + steep * torch.tanh(middle + layer.b) > target
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return z - layer.u * torch.tanh((low + high) / 2 + layer.b)


def radial_inverse(layer: RadialFlow, z: Tensor) -> Tensor:
    """The radius r solves r (1 + β / (α + r)) = |z − x0|, a quadratic with one root above 0."""
    alpha = layer.log_alpha.exp()
    beta = -alpha + torch.nn.functional.softplus(layer.beta)
    offset = z - layer.x0
    distance = offset.norm(dim=-1, keepdim=True)
    half = (alpha + beta - distance) / 2
    r = -half + (half.square() + alpha * distance).sqrt()
    return layer.x0 + offset / (1 + beta / (alpha + r))
