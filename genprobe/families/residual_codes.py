"""The certain codes of a residual stack of quantisers: index (batch, levels, *grid), and classes.

As ``codes``, and the first axis of z counts the levels, each of which quantises what those before
it have left. So the report has a line a level, and a candidate prior knows a level given the one
before it.
"""

from genprobe.families.codes import code_family

residual_codes = code_family("residual-codes", levels=True)
