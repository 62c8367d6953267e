"""Pages whose code runs when they are built, and that show what it printed and drew.

On a page that ``run_pages`` names, a fence of ``python`` runs, in one namespace for the page, and
so do the lines of a fence of ``console``, each ``$ genprobe …``. A fence of ``python`` whose first
line is a comment that names a file, such as ``# mymodel.py``, is written to that file instead.
Every other language is only shown: ``py`` is Python that does not run.

Each page has a fresh folder of its own. The output stands below its fence, with each picture that
was written, and a link to each HTML page. Whatever fails is a warning of Sphinx, which ``-W``
makes an error. Below its title stands a link to the page as a notebook.
"""

import contextlib
import io
import logging
import os
import shlex
import shutil
import sys
import traceback
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from docutils import nodes
from notebook import FILE, notebook
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.logging import getLogger

LOGGER = getLogger(__name__)
FOLDER = "_build/run"
COLUMNS = "80"


class RunPage(SphinxTransform):
    """Runs the code of a page and inserts what comes of it."""

    default_priority = 200

    def apply(self, **kwargs: Any) -> None:
        """Run each fence in its turn."""
        docname = self.env.docname
        fences = list(self.document.findall(nodes.literal_block))
        runs = any(fence.get("language") in ("python", "console") for fence in fences)
        if not (runs and any(fnmatch(docname, pattern) for pattern in self.config.run_pages)):
            return
        folder = Path(self.env.srcdir, FOLDER, docname)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with inside(folder):
            self.run_all(fences, folder)
        book = folder / f"{folder.name}.ipynb"
        book.write_text(notebook(Path(self.env.doc2path(docname)).read_text("utf-8")), "utf-8")
        title = next(iter(self.document.findall(nodes.title)))
        title.parent.insert(1, download(self.source(book), "Download this page as a notebook"))

    def run_all(self, fences: list[nodes.literal_block], folder: Path) -> None:
        """Run the fences of a page, and put what comes of each below it."""
        names: dict[str, Any] = {"__name__": "__main__"}
        for fence in fences:
            before = files(folder)
            shown = result(self.run(fence, names))
            for path, changed in files(folder).items():
                if before.get(path) != changed:
                    shown.append(show(path, self.source(path)))
            place = fence.parent.index(fence) + 1
            fence.parent[place:place] = shown

    def source(self, path: Path) -> str:
        """A file as pages name it, from the folder of all pages."""
        return f"/{path.relative_to(self.env.srcdir).as_posix()}"

    def run(self, fence: nodes.literal_block, names: dict[str, Any]) -> str:
        """What a fence printed; empty where it is not one that runs."""
        code, language = fence.astext(), fence.get("language")
        named = FILE.match(code)
        try:
            if language == "python" and named:
                Path(named[1]).write_text(code + "\n", encoding="utf-8")
                return ""
            if language == "python":
                return python(code, names)
            return "".join(console(code)) if language == "console" else ""
        except BaseException:
            LOGGER.warning("this code failed:\n%s", traceback.format_exc(), location=fence)
            return ""


def python(code: str, names: dict[str, Any]) -> str:
    """What Python code printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "<page>", "exec"), names)
    return printed.getvalue()


def console(code: str) -> Iterator[str]:
    """What each command of a fence printed, and what it said beside that."""
    from genprobe.cli import main

    for line in code.replace("\\\n", " ").splitlines():
        prompt, program, *arguments = shlex.split(line)
        if (prompt, program) != ("$", "genprobe"):
            raise ValueError(f"not a command that pages can run: {line}")
        done = CliRunner().invoke(main, arguments, prog_name="genprobe")
        if done.exit_code:
            raise RuntimeError(f"{line}\n{done.output}{done.exception!r}")
        yield done.output


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, with the modules that lie there, which no later page sees."""
    modules, columns = set(sys.modules), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = COLUMNS
    logging.getLogger("genprobe").setLevel(logging.ERROR)
    sys.path.insert(0, str(folder))
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path.remove(str(folder))
        logging.getLogger("genprobe").setLevel(logging.NOTSET)
        for name in set(sys.modules) - modules:
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns


def files(folder: Path) -> dict[Path, int]:
    """The pictures and pages in a folder, with the time that each was written."""
    found = (p for p in sorted(folder.rglob("*")) if p.suffix in (".png", ".svg", ".html"))
    return {path: path.stat().st_mtime_ns for path in found}


def result(output: str) -> list[nodes.Node]:
    """The text below a fence, if there is any."""
    text = output.strip("\n")
    return [nodes.literal_block(text, text, language="text", classes=["output"])] if text else []


def show(path: Path, source: str) -> nodes.Node:
    """A picture, or a link to a page."""
    if path.suffix == ".html":
        return download(source, f"Open {path.name}")
    return nodes.image(uri=source, alt=f"What was drawn: {path.name}", classes=["output"])


def download(source: str, text: str) -> nodes.Node:
    """A paragraph that is a link to a file."""
    link = addnodes.download_reference(reftarget=source, refdoc="", classes=["output"])
    link += nodes.Text(text)
    return nodes.paragraph("", "", link)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register ``run_pages``, patterns of the pages that run."""
    app.add_config_value("run_pages", [], "env", list)
    app.add_transform(RunPage)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
