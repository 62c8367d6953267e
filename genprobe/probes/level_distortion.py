r"""The distortion where only the first levels of a chain are known, and the others are guessed.

.. math::

    D_l = \mathbb E_{q(z_{\le l}|x)} \mathbb E_{p(z_{>l}|z_{\le l})}[-\log p(x|z)]

for l = 0, no level at all, up to one less than there are: what a level says of x shows in what D
loses as it is known. By Jensen's inequality it is no less than −log p(x|z_≤l).
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.batches import batches
from genprobe.encoding.calls import Calls
from genprobe.encoding.chain import PIECE
from genprobe.encoding.chain_calls import continued
from genprobe.encoding.chain_cuts import cuts_of

DRAWS = 2
"""Draws of each example, where there are so many."""


def level_distortion(
    calls: Calls, x: Tensor, z: Tensor, chosen: Int64[Tensor, " some"]
) -> Float64[Tensor, "draw cut some"] | None:
    """−log p(x|z) of some examples, the chain cut at each of ``cuts_of`` (draw, cut, some).

    None of a model without a chain or a decoder.

    Args:
        calls: of the model.
        x: the examples (batch, *event).
        z: packed draws (draw, batch, K).
        chosen: (some,) positions in the batch of the examples that are asked about.
    """
    if calls.chain is None or not calls.decodes:
        return None
    draws = min(DRAWS, len(z))
    known = calls.chain.unpack(z)
    cuts = cuts_of(len(known))
    found = torch.zeros(draws, len(cuts), len(chosen), dtype=torch.float64)
    for draw in range(draws):
        for i, cut in enumerate(cuts):
            for piece in batches(len(chosen), PIECE):
                rows = chosen[piece]
                before = [level[draw][rows] for level in known[:cut]]
                codes = continued(calls, x[rows], before, rows)
                found[draw, i, piece] = -calls.log_px_z(x[rows], codes, rows)
    return found
