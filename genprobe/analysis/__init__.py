"""From a store to a report: regimes, findings, verdict, provenance."""

VERDICTS = {"report": "verdict:verdict"}
"""What a report says in conclusion, by name: the file and the function in it."""
