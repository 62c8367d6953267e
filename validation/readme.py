"""Put what the program prints into the README: ``python -m validation.readme``.

Tests compare the two; this is what to run when they differ.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path("README.md")
ONE = ("evaluate", "genprobe/demo/beta-0.9.pt", "--data", "digits")
"""The command whose output stands as it is."""


def printed(*arguments: str, folder: Path) -> str:
    """The standard output of genprobe, 80 columns wide."""
    command = ["env", "COLUMNS=80", sys.executable, "-m", "genprobe", *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=-1, text=True).stdout


def comparison(output: str) -> str:
    """What the demo prints of its four models together: the first two paragraphs."""
    _, start, rest = output.partition("4 models on digits")
    return "\n\n".join((start + rest).split("\n\n")[:2])


def replaced(text: str, mark: str, output: str) -> str:
    """The README with another block between two marks."""
    block = f"<!-- {mark} -->\n```text\n{output.strip()}\n```\n<!-- /{mark} -->"
    return re.sub(f"<!-- {mark} -->.*<!-- /{mark} -->", lambda _: block, text, flags=re.DOTALL)


def main() -> None:
    """Run the commands and write the README."""
    text = README.read_text(encoding="utf-8")
    text = replaced(text, "one model", printed(*ONE, folder=Path()))
    with tempfile.TemporaryDirectory() as folder:
        text = replaced(text, "demo", comparison(printed("demo", folder=Path(folder))))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
