"""Renderers: pure functions of a report, one format a file."""
