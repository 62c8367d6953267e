import os
import re
import subprocess
import sys
import tomllib

import pytest

from genprobe import __version__
from genprobe.errors import PluginError
from genprobe.plugins import KINDS
from genprobe.scaffold import PLUGIN_KINDS, begin_plugin, plugin_files


def installed(folder, site):
    """Lay a plugin on a path as pip does, without building a wheel."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{needs}"
    )
    points = project["entry-points"]["genprobe"]
    lines = "".join(f"{name} = {module}\n" for name, module in points.items())
    (info / "entry_points.txt").write_text(f"[genprobe]\n{lines}")
    [module] = points.values()
    (site / module).symlink_to(folder / module)


def test_a_plugin_of_every_kind_passes_its_own_tests(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for kind in PLUGIN_KINDS:
        installed(begin_plugin(f"my-{kind}", kind, tmp_path), site)
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    options = ["-q", "-p", "no:cacheprovider", "-W", "error", "--import-mode=importlib", "-rA"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *sorted(tmp_path.glob("genprobe-*"))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    for kind in PLUGIN_KINDS:
        assert f"/tests/test_my_{kind}.py::test_" in done.stdout


def test_every_kind_of_part_can_be_begun():
    assert {kind.hook for kind in PLUGIN_KINDS.values()} == {*KINDS, None}


def test_a_kind_with_a_suite_is_tested_by_it_in_three_lines():
    suites = {kind: made.suite for kind, made in PLUGIN_KINDS.items() if made.suite}
    assert suites
    for kind, suite in suites.items():
        test = plugin_files("mine", kind)["tests/test_mine.py"]
        assert f"class TestConformance({suite}):\n    part = " in test


@pytest.mark.parametrize("kind", PLUGIN_KINDS)
def test_its_files_are_those_of_an_installable_distribution(kind):
    files = plugin_files("my-part", kind)
    assert files.keys() == {
        "pyproject.toml",
        "README.md",
        "genprobe_my_part/__init__.py",
        f"genprobe_my_part/{kind}.py",
        "tests/test_my_part.py",
    }
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == "genprobe-my-part"
    assert project["entry-points"] == {"genprobe": {"my-part": "genprobe_my_part"}}
    [need] = project["dependencies"]
    assert __version__.startswith(need.removeprefix("genprobe>="))
    for path, text in files.items():
        assert "{{" not in text
        assert text.endswith("\n")
        assert max(map(len, text.splitlines())) <= 100, path


def test_a_plugin_imports_nothing_heavy_until_it_is_asked():
    """So that ``genprobe --help`` stays quick."""
    for kind in PLUGIN_KINDS:
        hook = plugin_files("mine", kind)["genprobe_mine/__init__.py"]
        at_the_top = re.findall(r"^(?:from|import) (\w+)", hook, re.MULTILINE)
        assert set(at_the_top) == {"genprobe", "typing"}, kind


def test_the_prefix_may_be_given(tmp_path):
    assert begin_plugin("genprobe-mine", "probe", tmp_path) == tmp_path / "genprobe-mine"


@pytest.mark.parametrize(
    "name", ["", "Mine", "1st", "my_part", "my--part", "-part", "part-", "a b", "../x", "é"]
)
def test_what_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(PluginError, match="cannot be the name of a plugin") as error:
        begin_plugin(name, "family", tmp_path)
    assert "my-laplace" in error.value.remedy
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("family", "diagonal-normal"),
        ("loader", "bundle"),
        ("estimator", "active-units"),
        ("command", "evaluate"),
    ],
)
def test_a_name_that_is_taken_is_refused(tmp_path, kind, name):
    with pytest.raises(PluginError, match=f"There is a {kind} '.*' already"):
        begin_plugin(name, kind, tmp_path, commands=["evaluate"])


def test_the_name_of_the_built_in_plugin_is_refused(tmp_path):
    with pytest.raises(PluginError, match="the plugin builtin"):
        begin_plugin("builtin", "family", tmp_path)


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path):
    begin_plugin("mine", "probe", tmp_path)
    with pytest.raises(PluginError, match="genprobe-mine is there already"):
        begin_plugin("mine", "family", tmp_path)
    assert not (tmp_path / "genprobe-mine/genprobe_mine/family.py").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PluginError, match="cannot be written"):
        begin_plugin("mine", "probe", tmp_path / "file")
