r"""Active units: the latent dimensions whose posterior mean moves with x.

.. math::

    \#\big\{d : \mathrm{Var}_n\big(\mathbb E_{q(z|x_n)}[z_d]\big) > 0.01\big\}

Exact for these data. Burda, Grosse & Salakhutdinov (2016), "Importance weighted autoencoders",
section 5.
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

    Example:
        >>> import torch
        >>> active_units(torch.tensor([1.0, 0.5, 1e-4]).double(), n=100).value
        2
    """
    count = int((mean_variance > THRESHOLD).sum())
    return Estimate(
        name="active_units", value=count, se=0.0, se_data=None, kind="exact", unit="count", n=n
    )
