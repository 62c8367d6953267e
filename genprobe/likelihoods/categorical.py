"""Independent classes 0, 1, …, K − 1, as they are: p(x|z) = Π_i softmax(logits_i)[x_i].

For tokens, labels and levels that were not rescaled; a ``mask`` leaves padding out. Pixels in
[0, 1] have ``categorical-pixels``. It has no blind distortion: the best constant is a histogram for
every value, which moments do not give.
"""

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.types import _size

from genprobe.errors import ModelError, Notice
from genprobe.likelihoods.parameters import (
    ONE,
    class_logits,
    logits_of_classes,
    precise,
    sum_last,
    whole_example,
)
from genprobe.likelihoods.support import Levels as Steps
from genprobe.likelihoods.support import require_counts, require_levels
from genprobe.types import Likelihood, Params

NAME = "categorical"
REMEDY = "Give the classes as whole numbers; for pixels in [0, 1] use categorical-pixels."


class Levels(Distribution):
    """Levels 0, step, 2 step, …, each value of an example independent.

    Log-probabilities are taken in the dtype of the logits, of which there are many, and summed in
    float64.

    Args:
        likelihood: registered name, for errors.
        logits: (batch, *event, levels).
        step: between neighbouring levels.
        remedy: what to do about data that are no such levels.
        mask: (batch, *event) which values count, those that are not 0; None for all.
    """

    arg_constraints = {"logits": constraints.real}  # noqa: RUF012

    def __init__(
        self,
        likelihood: str,
        logits: Tensor,
        step: float,
        remedy: str,
        mask: Tensor | None = None,
    ) -> None:
        self.likelihood, self.logits, self.step, self.remedy = likelihood, logits, step, remedy
        self.mask = mask
        super().__init__(logits.shape[:1], logits.shape[1:-1], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability of whole examples.

        Raises:
            SupportError: if a value is no level of these logits.
        """
        if self.mask is not None:
            value = torch.where(self.mask != 0, value, 0.0)
        require_levels(self.likelihood, value, self.logits.shape[-1], self.step, self.remedy)
        level = (precise(value) / self.step).round().long()
        log_p = self.logits.log_softmax(-1).expand(*level.shape, -1)
        each = log_p.gather(-1, level[..., None])
        if self.mask is not None:
            each = torch.where(self.mask[..., None] != 0, each, 0.0)
        return sum_last(precise(each), len(self.event_shape) + 1)

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """Levels of every value."""
        return draw(self.logits, sample_shape) * self.step

    @property
    def support(self) -> Constraint:
        """The levels that there are logits for."""
        levels, axes = self.logits.shape[-1], len(self.event_shape)
        if self.step == 1:
            whole = constraints.integer_interval(0, levels - 1)  # type: ignore[no-untyped-call]
            return whole_example(whole, axes)
        return whole_example(Steps(levels, self.step), axes)

    @property
    def mean(self) -> Tensor:
        """Mean level of every value."""
        return (self.logits.softmax(-1) * self.values).sum(-1)

    @property
    def variance(self) -> Tensor:
        """Variance of the level of every value."""
        return (self.logits.softmax(-1) * self.values.square()).sum(-1) - self.mean.square()

    @property
    def values(self) -> Tensor:
        """The levels (levels,)."""
        return self.step * torch.arange(self.logits.shape[-1], device=self.logits.device)


def draw(logits: Tensor, sample_shape: _size) -> Tensor:
    """Classes drawn from logits (..., classes)."""
    q = Categorical(logits=logits, validate_args=False)
    drawn: Tensor = q.sample(sample_shape)  # type: ignore[no-untyped-call]
    return drawn


def distribution(params: Params) -> Distribution:
    """``logits`` or ``probs``, (batch, *event, K), to p(x|z) of batch shape (batch,).

    With a ``mask`` (batch, *event) values where it is 0, such as padding, are left out: they cost
    nothing.

    Raises:
        ModelError: if the decoder gives neither, or a mask of another shape.
    """
    logits, mask = class_logits(NAME, params), params.get("mask")
    if mask is not None and mask.shape != logits.shape[:-1]:
        raise ModelError(
            f"The decoder gives a mask of shape {tuple(mask.shape)} for values of shape "
            f"{tuple(logits.shape[:-1])}.",
            "Return a mask of the shape of x: 1 for a token, 0 for padding.",
        )
    return Levels(NAME, logits, 1.0, REMEDY, mask)


def support(x: Tensor) -> Notice | None:
    """None for whole numbers (batch, *event) from 0 on; the decoder says how many there are.

    Raises:
        SupportError: naming the first example with a value that is not one.
    """
    require_counts(NAME, x, REMEDY)
    return None


categorical = Likelihood(
    name=NAME,
    distribution=distribution,
    discrete=True,
    support=support,
    logits_of_probs=logits_of_classes,
)
