"""The reference trainer: an ``mlp-vae`` that minimises D + βR, and nothing clever."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import kl_divergence

from genprobe.architectures.mlp_vae import MlpVae
from genprobe.encoding.examples import read_examples
from genprobe.errors import GenprobeError, ModelError, UsageError
from genprobe.families.diagonal_normal import distribution as posterior_distribution
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.likelihoods.normal import normal
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.seeds import seeded
from genprobe.types import Dataset, Model

LIKELIHOODS = {"bernoulli": bernoulli, "normal": normal}


def train(
    dataset: Dataset,
    *,
    name: str = "mlp-vae",
    data: str | None = None,
    beta: float = 1.0,
    epochs: int = 100,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    seed: int = 0,
    start: Model | None = None,
    progress: Progress = silent,
    **network: Any,
) -> Model:
    """Train an ``mlp-vae`` on a data set held in memory.

    Adam on E[−log p(x|z)] + β KL(q(z|x)‖p(z)), one draw per example, the learning rate falling to
    zero along half a cosine.

    Args:
        dataset: the examples.
        name: of the model.
        data: how the data set is named on the command line, written into the bundle.
        beta: weight of the rate.
        epochs: passes over the data.
        batch_size: examples a step.
        learning_rate: at the start.
        seed: of the initial weights, the order and the noise.
        start: an ``mlp-vae`` of the same sizes whose weights to begin with; left as it is.
        progress: display of the steps, stage ``train``.
        network: ``latent``, ``hidden``, ``activation``, ``prior``, ``likelihood`` and ``scale``, as
            ``MlpVae`` takes them.

    Returns:
        The trained model, which ``genprobe.save`` can write.

    Raises:
        GenprobeError: if a choice makes no sense, the model to start from does not fit, the data
            are outside the likelihood's support, or the loss stops being finite.

    Example:
        >>> import genprobe
        >>> digits = genprobe.open_dataset("digits", split="test")
        >>> genprobe.train(digits, latent=2, hidden=(8,), epochs=1).name
        'mlp-vae'
    """
    if beta < 0 or epochs < 1 or batch_size < 1 or learning_rate <= 0:
        raise UsageError("β must not be negative; epochs, batch size and rate must be positive.")
    facts = {"data": data, "binarize": dataset.binarize, "beta": float(beta), "epochs": epochs}
    facts |= {"batch_size": batch_size, "learning_rate": float(learning_rate), "seed": seed}
    with seeded(seed):
        module = MlpVae(data_shape=dataset.event_shape, **network)
        if start is not None:
            load_weights(module, start)
        x = read_examples(dataset, 0, dataset.n, torch.float32)
        LIKELIHOODS[module.config["likelihood"]].support(x)
        fit(module, lambda: x, beta, epochs, batch_size, learning_rate, progress)
    return module.eval().as_model(name, facts)


def load_weights(module: MlpVae, start: Model) -> None:
    """Put the weights of a model into a network of the same sizes.

    Raises:
        GenprobeError: if it is not one.
    """
    if not isinstance(start.module, MlpVae) or start.module.config != module.config:
        raise GenprobeError(
            f"{start.name} cannot be started from: it is no mlp-vae, or one of other sizes.",
            "Start from a model of the same settings.",
        )
    module.load_state_dict(start.module.state_dict())


def fit(
    module: MlpVae,
    examples: Callable[[], Tensor],
    beta: float,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    progress: Progress,
) -> None:
    """Run the optimiser.

    Args:
        module: trained in place.
        examples: gives those of an epoch (n, *event), of one number each time.
        beta: weight of the rate.
        epochs: passes over the examples.
        batch_size: examples a step.
        learning_rate: at the start.
        progress: display of the steps.
    """
    optimiser = torch.optim.Adam(module.parameters(), lr=learning_rate, fused=True)
    steps = epochs * -(-len(examples()) // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(epochs):
        x = examples()
        for rows in torch.split(torch.randperm(len(x)), batch_size):
            loss = objective(module, x[rows], beta)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            progress.advance("train", 1, steps)


def objective(module: MlpVae, x: Tensor, beta: float) -> Tensor:
    """D + βR, averaged over a batch x (batch, *event), nats per example.

    Raises:
        GenprobeError: if it is not finite.
    """
    q = posterior_distribution(module.encode(x))
    likelihood = LIKELIHOODS[module.config["likelihood"]]
    rate = kl_divergence(q, module.prior_distribution())
    try:
        p = likelihood.distribution(module.decode(q.rsample()))
        loss = (beta * rate - p.log_prob(x)).mean()
    except ModelError as error:  # a scale of NaN or of 0 is refused before there is a loss
        raise diverged() from error
    if not loss.isfinite():
        raise diverged()
    return loss


def diverged() -> GenprobeError:
    """What is said of a training that has gone astray."""
    return GenprobeError("The loss is no longer finite.", "Lower the learning rate.")
