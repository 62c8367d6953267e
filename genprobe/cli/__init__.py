"""The command line: one command a file, each a thin wrapper of a Python function.

torch is imported inside the commands, never at the top: ``genprobe --help`` must be quick.
"""

from genprobe.cli.main import main

__all__ = ["main"]
