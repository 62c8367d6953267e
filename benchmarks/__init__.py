"""Time and memory, against what others take and what the machine can do."""
