"""Posterior families q(z|x), one a file."""
