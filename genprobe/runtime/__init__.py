"""How a run goes: progress, seeds, processes and ranks."""
