"""From a store to a report: regimes, warnings, provenance."""
