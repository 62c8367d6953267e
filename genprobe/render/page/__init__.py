"""Reports and comparisons as one HTML page."""
