"""The evaluation of a model without an encoder: −log p(x) of some examples, and the curve."""

import logging
from dataclasses import replace

from genprobe.analysis.options import BETAS, Options
from genprobe.datasets.subset import subset
from genprobe.errors import UsageError
from genprobe.types import Dataset, Model

log = logging.getLogger("genprobe")

EXAMPLES = 200
"""On which −log p(x) is worked out where nothing says how many: each takes seconds, not a call."""
FEW = BETAS[::2]
"""Of the curve that nobody asked for: as far as the nine, in half the time."""


def options_for(model: Model, options: Options) -> Options:
    """The options as they are meant for a model; without an encoder chains and curve are a must.

    Args:
        model: to be evaluated.
        options: what the user chose.

    Raises:
        UsageError: if an option asks for what rests on an encoder, or on inference and that is not
            asked for.

    >>> parts = {"prior": "standard-normal", "likelihood": "bernoulli", "latent_shape": (2,)}
    >>> model = Model(name="half", encode=None, decode=lambda z: {"logits": z}, **parts)
    >>> options_for(model, Options()).inference
    200
    """
    if model.diffusion is not None:
        require_no_code_asked(model, options)
    if model.encodes:
        options.require_inference()
        return options
    asked = {"labels": options.labels or options.leaks, "prior": options.prior}
    for name, value in asked.items():
        if value is not None:
            raise UsageError(f"{REFUSED[name][0]} {model.name} has no encoder.", REFUSED[name][1])
    return replace(
        options,
        inference=options.inference or EXAMPLES,
        decoder_curve=FEW if options.decoder_curve is None else options.decoder_curve,
    )


def require_no_code_asked(model: Model, options: Options) -> None:
    """Check that nothing is asked of a diffusion model that is of a code.

    Args:
        model: a diffusion model.
        options: what the user chose.

    Raises:
        UsageError: naming the first option that asks for it.
    """
    for name in ("labels", "leaks", "prior", "codebook", *OF_POSTERIORS):
        if getattr(options, name) not in (None, False):
            raise UsageError(
                f"{name} is of a code, and {model.name} has no code: its states are as large as "
                "the data, and none is kept.",
                "Leave it out.",
            )


OF_POSTERIORS = ("inference", "simulate", "max_steps", "decoder_curve")
"""Options of annealing, which is of posteriors over z."""
REFUSED = {
    "labels": ("Labels are of what a code tells, and", "Leave them out."),
    "prior": (
        "--prior is of what codes cost under another prior, and",
        "Give the Model the prior; it is then another model.",
    ),
}
"""What is wrong with an option without an encoder, and what to do instead."""


def examples_for(model: Model, dataset: Dataset, options: Options) -> Dataset:
    """The examples that a model is evaluated on: without an encoder as many as are annealed.

    Args:
        model: to be evaluated.
        dataset: all examples that the user leaves.
        options: as ``options_for`` gives them.
    """
    if model.encodes or options.inference is None or options.inference >= dataset.n:
        return dataset
    log.info(
        "%s has no encoder: −log p(x) is worked out on %d random examples of %s. For more of them "
        "give --inference.",
        model.name,
        options.inference,
        dataset.name,
    )
    return subset(dataset, options.inference, options.seed)
