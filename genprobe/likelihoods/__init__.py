"""Likelihoods p(x|z), one a file, each with every constant of its density."""
