"""Reports, comparisons and sweeps as matplotlib figures."""
