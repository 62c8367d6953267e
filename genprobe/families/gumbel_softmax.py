"""Gumbel-softmax, reported as the categorical that it relaxes: z are class indices.

A model is trained with relaxed one-hot draws at some temperature; what it stands for, and is used
as, is the categorical of the same logits (Jang et al. 2017; Maddison et al. 2017). The density of
the relaxation depends on the temperature and has no limit as that falls, so its rate says nothing
about the discrete code. The decoder is given class indices.
"""

from torch.distributions import constraints

from genprobe.errors import Notice
from genprobe.families.categorical import cross_log_prob, distribution
from genprobe.types import Family

gumbel_softmax = Family(
    name="gumbel-softmax",
    distribution=distribution,
    constraints={"logits": constraints.real, "temperature": constraints.positive},
    cross_log_prob=cross_log_prob,
    notice=Notice(
        code="relaxed-posterior",
        message="Codes are read as class indices, without a temperature.",
        remedy="The Gumbel-softmax posterior is reported as the categorical of its logits. "
        "Compare these numbers with other categorical codes, not with a relaxed loss.",
    ),
)
