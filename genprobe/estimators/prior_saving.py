"""R − R_m: the nats per example that swapping the prior for a fitted one would save.

Paired by example, so its error is far below that of either rate. Negative where no rung of the
ladder does better than the model's own prior.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.standard_error import mean_over_examples
from genprobe.report import Estimate


def prior_saving(
    rate: Float64[Tensor, "ratedraw n"], fitted_rate: Float64[Tensor, "draw n"]
) -> Estimate:
    """What a better prior would save, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted.
    """
    return mean_over_examples("prior_saving", rate - fitted_rate)
