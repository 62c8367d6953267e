"""``python -m genprobe``."""

from genprobe.cli import main

main()
