"""Annealed chains of a public VAE of MNIST, from its encoder and in the way of the public script.

The model is bdmc-mnist (784-200-200-50, ELU, Bernoulli logits), on test images binarised with a
seed; both lie in the folders GENPROBE_MODELS_DIR and GENPROBE_DATA_DIR. Costs are counted in
gradients of log p(x|z) of one image at one z, so the machine does not matter.
"""

import math
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import elu, linear

import genprobe
from genprobe.annealing.ais import GRID, LEAPS, TUNING, anneal, tune
from genprobe.annealing.jackknife import log_mean_weight
from genprobe.annealing.of_model import target_of
from genprobe.annealing.posterior_fit import CHOOSING, DRAWS, STEPS, fit_posterior, score_posterior
from genprobe.annealing.sampler import move
from genprobe.annealing.starts import from_prior
from genprobe.annealing.target import Target
from genprobe.encoding.calls import Calls
from genprobe.encoding.resolve import bind_model, bind_prior
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime.seeds import derived_seed, generator
from genprobe.types import Model, Params
from validation.settle import settle

MODEL = Path(os.environ.get("GENPROBE_MODELS_DIR", "")) / "bdmc-mnist" / "model.pth"
IMAGES = Path(os.environ.get("GENPROBE_DATA_DIR", "")) / "mnist" / "t10k-images-idx3-ubyte.gz"
LATENT = 50
NEAR = 0.1
"""Nats."""
FEW = 4
"""Chains where they are very long."""
SCRIPT_LEAPS = 10
"""Steps of a trajectory of the public script."""


def at_hand() -> bool:
    """Whether the model and its data are there."""
    return MODEL.is_file() and IMAGES.is_file()


def public_vae() -> Model:
    """The model, with its weights."""
    weights = torch.load(MODEL, weights_only=True, map_location="cpu")
    weights = {k: v.float() for k, v in weights.get("state_dict", weights).items()}

    def layer(x: Tensor, name: str) -> Tensor:
        return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def encode(x: Tensor) -> Params:
        loc, log_variance = layer(elu(layer(elu(layer(x, "fc1")), "fc2")), "fc3").chunk(2, 1)
        return {"loc": loc, "scale": (log_variance / 2).exp()}

    def decode(z: Tensor) -> Params:
        return {"logits": layer(elu(layer(elu(layer(z, "fc4")), "fc5")), "fc6")}

    return Model(
        name="bdmc-mnist",
        encode=encode,
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )


def binary_images(count: int) -> Tensor:
    """The first test images (count, 784), each pixel 1 with its grey value as probability."""
    grey = genprobe.open_dataset(f"idx:{IMAGES}").read(0, count).flatten(1)
    return torch.bernoulli(grey, generator=generator(0, "benchmark", "pixels"))


def subject(count: int) -> tuple[Target, Params]:
    """The joint density of the images, and their encoder's posteriors."""
    model, x = public_vae(), binary_images(count)
    calls: Calls = bind_model(
        model, device=torch.device("cpu"), dtype=torch.float32, batch_size=1024
    )
    prior = bind_prior(model.prior, torch.Size([LATENT]), {})
    return target_of(calls, prior, x), calls.encode(x)


def whole(count: int = 100, tolerance: float = 0.01, seed: int = 0) -> Iterator[dict[str, object]]:
    """The whole procedure, the same with chains twenty times as long, and IWAE.

    Args:
        count: of images.
        tolerance: nats.
        seed: of all noise.
    """
    target, params = subject(count)
    start = time.process_time()
    found = settle(target, diagonal_normal, params, tolerance=tolerance, seed=seed)
    seconds = time.process_time() - start
    last = found.history[-1]
    elbo, best = (
        float(score_posterior(target, diagonal_normal, p, draws=256, seed=seed).mean())
        for p in (params, found.best)
    )
    yield {"way": "ELBO of the encoder", "nats": elbo}
    yield {"way": "IWAE, K = 5000", "nats": iwae(target, params, 5000, seed)}
    yield {"way": "ELBO of the best diagonal normal", "nats": best}
    yield {
        "way": f"from it, {last.temperatures} temperatures × {last.chains} chains",
        "nats": last.bound,
        "±": last.error,
        "gradients an image": (found.evaluations + fixed_cost(count)) / count,
        "CPU s": seconds,
    }
    longer = anneal(
        target,
        diagonal_normal,
        found.best,
        found.last.steps,
        temperatures=20 * last.temperatures,
        chains=FEW,
        seed=derived_seed(seed, "long"),
    )
    yield {
        "way": f"the same, twenty times as long, {FEW} chains",
        "nats": float(log_mean_weight(longer.log_weight).mean()),
        "gradients an image": longer.evaluations / count,
    }


def fixed_cost(count: int) -> int:
    """Gradients of the fit, of choosing and of the run that tunes, of so many images."""
    return count * (DRAWS * STEPS + 2 * CHOOSING + 8 * (1 + LEAPS * TUNING))


def iwae(target: Target, params: Params, draws: int, seed: int) -> float:
    """The bound of K draws, in the mean over the images."""
    parts = [
        score_posterior(
            target, diagonal_normal, params, draws=250, seed=derived_seed(seed, "iwae", i)
        )
        for i in range(draws // 250)
    ]
    return float(log_mean_weight(torch.cat(parts)).mean())


def equal_cost(count: int = 10, seed: int = 0) -> Iterator[dict[str, object]]:
    """Bounds of both ways by the gradients that they take.

    Args:
        count: of images.
        seed: of all noise.
    """
    target, params = subject(count)
    for temperatures in (8, 16, 32, 64):
        bound, evaluations = few_chains(target, params, temperatures, seed)
        yield {
            "way": f"from the encoder, {temperatures} temperatures",
            "gradients an image": evaluations / count,
            "nats": bound,
        }
    for steps, lengths in ((100, (8, 16, 32, 64)), (STEPS, (64,))):
        own = derived_seed(seed, "fit", steps)
        start = fit_posterior(target, diagonal_normal, params, steps=steps, seed=own)
        spent = (DRAWS * steps + 2 * CHOOSING) * count
        for temperatures in lengths:
            bound, evaluations = few_chains(target, start, temperatures, seed)
            yield {
                "way": f"after {steps} steps of fitting, {temperatures} temperatures",
                "gradients an image": (evaluations + spent) / count,
                "nats": bound,
            }
    for temperatures in (50, 100, 200, 500, 1000):
        bound, evaluations = public_way(target, params, temperatures, 8, seed)
        yield {
            "way": f"from the prior, {temperatures} temperatures",
            "gradients an image": evaluations / count,
            "nats": bound,
        }


def few_chains(target: Target, start: Params, temperatures: int, seed: int) -> tuple[float, int]:
    """The bound of 8 chains from a posterior, and the gradients that they and tuning took."""
    steps = tune(target, diagonal_normal, start, temperatures=GRID, seed=seed)
    own = derived_seed(seed, "few", temperatures)
    found = anneal(
        target, diagonal_normal, start, steps, temperatures=temperatures, chains=8, seed=own
    )
    tuning = found.log_weight.numel() * (1 + LEAPS * GRID)
    return float(log_mean_weight(found.log_weight).mean()), found.evaluations + tuning


def public_way(
    target: Target, params: Params, temperatures: int, chains: int, seed: int
) -> tuple[float, int]:
    """AIS as the public script has it: from the prior, tuned while it weighs.

    Sigmoid temperatures, trajectories of ten steps, momenta of unit variance, and a step size of
    each chain that grows by 2 % after what is likely accepted and falls by as much after what is
    not. (https://github.com/lxuechen/BDMC)

    Args:
        target: of the images.
        params: of their encoder, for the shape of z alone.
        temperatures: T.
        chains: of each image.
        seed: of the noise.

    Returns:
        The bound, in the mean over the images, and the gradients that it took.
    """
    start = from_prior(target, diagonal_normal, params, chains, seed)
    noise = generator(seed, "public", temperatures)
    values = torch.linspace(-4, 4, temperatures + 1, dtype=torch.float64).sigmoid()
    schedule = ((values - values[0]) / (values[-1] - values[0])).tolist()
    state = start.path.at(start.u)
    step = torch.full(start.u.shape[1:2], 0.1, dtype=torch.float64)
    log_weight = torch.zeros(start.u.shape[:2], dtype=torch.float64)
    for before, b in pairwise(schedule):
        log_weight += (b - before) * (state.log_target - state.log_start)
        state, accepted = move(start.path, state, b, step, SCRIPT_LEAPS, noise)
        step = step * torch.where(accepted.mean(0) > 0.65, 1.02, 0.98)
    evaluations = log_weight.numel() * (1 + SCRIPT_LEAPS * temperatures)
    return float(log_mean_weight(log_weight).mean()), evaluations


def factor(rows: list[dict[str, object]]) -> float:
    """How many times fewer gradients a bound takes that is within a tenth of a nat of the best fit.

    Args:
        rows: of ``equal_cost``.

    Returns:
        The cheapest from the prior over the cheapest after a few steps of fitting; NaN if none of
        either comes so close.
    """

    def gradients(way: str) -> float:
        return min(
            (
                float(str(row["gradients an image"]))
                for row in rows
                if str(row["way"]).startswith(way) and float(str(row["nats"])) >= best - NEAR
            ),
            default=math.nan,
        )

    [best] = [float(str(r["nats"])) for r in rows if str(r["way"]).startswith(f"after {STEPS}")]
    return gradients("from the prior") / gradients("after 100 ")
