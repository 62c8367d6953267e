"""Everything that ``genprobe`` exports has a page, under its public name."""

import inspect
import re
from pathlib import Path

import genprobe

API = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")


def test_lists_everything_that_is_exported():
    public = {
        name
        for name in genprobe.__all__
        if not name.startswith("_") and not inspect.ismodule(getattr(genprobe, name))
    }
    listed = set(re.findall(r"^   genprobe\.([\w]+)$", API, re.MULTILINE))
    assert listed == public
