"""A tutorial can be had as a notebook."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "docs"
PAGE = """# Title

:::{tab-item} R
```r
x <- 1
```
:::

```python
print(1)
```

Then:

```console
$ genprobe show a.h5
$ genprobe show b.h5
```

```python
# mymodel.py
x = 1
```
"""


@pytest.fixture(scope="module")
def notebook():
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "_ext" / "notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.notebook


def test_fences_that_run_become_cells_and_others_stay_text(notebook):
    cells = json.loads(notebook(PAGE))["cells"]
    assert [(cell["cell_type"], cell["source"]) for cell in cells] == [
        ("markdown", "# Title\n\n```r\nx <- 1\n```"),
        ("code", "print(1)"),
        ("markdown", "Then:"),
        ("code", "!genprobe show a.h5\n!genprobe show b.h5"),
        ("code", "%%writefile mymodel.py\n# mymodel.py\nx = 1"),
    ]


def test_every_cell_of_a_tutorial_is_python_or_a_magic(notebook):
    pages = set((ROOT / "tutorials").glob("*.md")) - {ROOT / "tutorials" / "index.md"}
    for page in pages:
        cells = json.loads(notebook(page.read_text(encoding="utf-8")))["cells"]
        code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        assert len(code) > 2, page
        for source in code:
            if source[0] not in "!%":
                compile(source, str(page), "exec")
