"""How many densities of a flow are worked out at once: its networks are wider than z."""

from torch import nn

VALUES = 1 << 20
"""Entries of a flow's widest layer for one call: about as much as caches hold, several times."""


def rows_at_a_time(flow: nn.Module) -> int:
    """Densities for one call of a flow.

    Args:
        flow: its widest layer decides.
    """
    widths = [len(values) for values in flow.parameters() if values.dim()]
    return max(1, VALUES // max(widths, default=1))
