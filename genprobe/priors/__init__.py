"""Priors p(z), one a file."""
