"""What faults and damaged files do to genprobe: ``python -m fuzz``; writes docs/reliability.md."""
