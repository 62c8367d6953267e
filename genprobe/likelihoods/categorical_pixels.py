"""Independent pixels in [0, 1] with K levels; level k is the value k/(K − 1), as bytes are read.

p(x|z) = Π_i softmax(logits_i)[k_i], with 256 logits for an 8-bit image. Whole numbers have
``categorical``. It has no blind distortion, for the same reason.
"""

from torch import Tensor
from torch.distributions import Distribution

from genprobe.errors import Notice
from genprobe.likelihoods.categorical import Levels
from genprobe.likelihoods.parameters import class_logits, logits_of_classes
from genprobe.likelihoods.support import require_unit_interval
from genprobe.types import Likelihood, Params

NAME = "categorical-pixels"
REMEDY = "Divide the levels by their number less one (bytes by 255), or use categorical."


def distribution(params: Params) -> Distribution:
    """``logits`` or ``probs``, (batch, *event, K), to p(x|z) of batch shape (batch,)."""
    logits = class_logits(NAME, params)
    return Levels(NAME, logits, 1 / max(1, logits.shape[-1] - 1), REMEDY)


def support(x: Tensor) -> Notice | None:
    """None for values (batch, *event) in [0, 1]; the decoder says which of them are levels.

    Raises:
        SupportError: naming the first example with a value outside.
    """
    require_unit_interval(NAME, x, REMEDY)
    return None


categorical_pixels = Likelihood(
    name=NAME,
    distribution=distribution,
    discrete=True,
    support=support,
    logits_of_probs=logits_of_classes,
)
