"""Whether log p(x) can be worked out for a model, found out before anything is encoded."""

import torch

from genprobe.analysis.options import Options
from genprobe.annealing.of_model import require_same_support, target_of
from genprobe.encoding.calls import bind
from genprobe.encoding.context import context_of
from genprobe.encoding.examples import encode_examples, read_examples
from genprobe.encoding.placement import in_evaluation
from genprobe.errors import UnavailableError
from genprobe.runs.annealed_examples import sampled
from genprobe.runs.encoded_store import Run
from genprobe.runtime.seeds import seeded

WITHOUT = "Leave --inference out; everything else is worked out without it."


def require_annealable(run: Run, options: Options) -> None:
    """Check that chains can run with a model, where that is asked for: one example is tried.

    Args:
        run: of the evaluation.
        options: what the user chose.

    Raises:
        GenprobeError: if they cannot, with the reason.
    """
    if options.inference is None:
        return
    parts, model = run.parts, run.parts.model
    if model.recorded is not None:
        raise UnavailableError(
            f"{model.name} holds posteriors, without the decoder that log p(x) is of.",
            "Evaluate the model itself, or leave --inference out.",
        )
    if model.chain is not None:
        raise UnavailableError(
            f"--inference is of one latent, and {model.name} has a chain of "
            f"{len(run.header.levels)}: chains of annealing would start at the posterior of all "
            "levels, which depends on its own draws.",
            "Leave --inference out; the IWAE bound is of all levels: give --draws 8, say.",
        )
    if options.simulate and model.teacher_forced:
        raise UnavailableError(
            f"There are no simulated examples: the decoder of {model.name} is teacher-forced.",
            "Leave --simulate out.",
        )
    if not model.encodes:  # what is fitted to the first examples says so at once
        return
    dtype = getattr(torch, run.header.dtype)
    with in_evaluation(model, run.device, dtype, parts.prior):
        try_one(run, dtype, bool(options.simulate))


def try_one(run: Run, dtype: torch.dtype, simulated: bool) -> None:
    """Ask for the density of the first example at one z, and its gradient.

    Args:
        run: of the evaluation.
        dtype: of the model.
        simulated: whether x is to be drawn from the model too.

    Raises:
        GenprobeError: if there is none, or the family cannot be annealed from.
    """
    parts = run.parts
    calls = bind(parts, device=run.device, dtype=dtype, batch_size=run.batch_size)
    x = read_examples(run.dataset, 0, 1, dtype)
    here = calls.given(context_of(parts.model, run.dataset, x, 0))
    params = encode_examples(here, x, 0)
    try:
        target = target_of(here, parts.prior, x)
        require_same_support(parts.posterior, params, parts.prior, run.header.seed)
        with seeded(run.header.seed):
            z = parts.posterior.sample(params, 1)[0]
        target.at(z.double(), torch.zeros(1, dtype=torch.int64))
        if simulated and parts.likelihood is not None and parts.likelihood.fit_scale is None:
            sampled(here, z)
    except UnavailableError as error:
        raise UnavailableError(error.what, error.remedy or WITHOUT) from error
