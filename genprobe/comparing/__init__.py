"""Several reports beside each other: paired differences, frontier, tables."""
