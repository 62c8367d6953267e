"""Active units: latent dimensions whose posterior mean varies over x by more than 0.01.

Burda, Grosse & Salakhutdinov (2016), "Importance weighted autoencoders", section 5.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.report import Estimate

THRESHOLD = 0.01


def active_units(mean_variance: Float64[Tensor, " dimension"], n: int) -> Estimate:
    """The number of active units.

    Args:
        mean_variance: (dimension,) variance over examples of the posterior mean.
        n: the number of examples.
    """
    count = int((mean_variance > THRESHOLD).sum())
    return Estimate(
        name="active_units", value=count, se=0.0, se_data=None, kind="exact", unit="count", n=n
    )
