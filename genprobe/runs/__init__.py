"""What the public functions do: evaluate, train, sweep, watch."""
