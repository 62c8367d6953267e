"""The program with segments of sixteen examples: ``python -m fuzz.small_segments evaluate …``."""

from fuzz.corpus import use_small_segments
from genprobe.cli import main

if __name__ == "__main__":
    use_small_segments()
    main(prog_name="genprobe")
