"""Reports and comparisons as data: JSON, CSV."""
