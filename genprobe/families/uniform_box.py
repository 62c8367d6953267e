"""A box about a code, such as the rounding noise of a compression model: refused with the reason.

Its edges make every bound that asks about other examples empty (log q(z|x_j) is −∞ outside the
box), and its rate is −Σ log width − E log p(z), set by the width that somebody chose.
"""

from torch.distributions import Distribution, constraints

from genprobe.errors import ModelError
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """None: the density of a box says only how wide it was made.

    Raises:
        ModelError: always.
    """
    raise ModelError(
        "A uniform-box posterior has no rate that can be told from the width of its box, and no "
        "density outside of it.",
        "Give the rounded code as a categorical posterior (logits 0 at the code, −1e4 elsewhere), "
        "or the noise that the model was trained with as a diagonal-normal or laplace one.",
    )


uniform_box = Family(
    name="uniform-box",
    distribution=distribution,
    constraints={"low": constraints.real, "high": constraints.real},
)
