"""Distributions that torch lacks, one a file."""
