"""A point: the code of a plain autoencoder. It has no rate, and is refused with the reason."""

from torch.distributions import Distribution, constraints

from genprobe.errors import ModelError
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """None: a point has no density.

    Raises:
        ModelError: always.
    """
    raise ModelError(
        "A delta posterior has an infinite rate: one real code tells x apart from everything else, "
        "however little the model learnt.",
        "Give the noise that the model adds to its codes as a diagonal-normal posterior, or the "
        "index of a quantised code as a categorical one (logits 0 at the code, −1e4 elsewhere).",
    )


delta = Family(name="delta", distribution=distribution, constraints={"loc": constraints.real})
