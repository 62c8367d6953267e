import logging
import os
import re
import sys
from textwrap import dedent

import pytest

from genprobe import __version__
from genprobe.cli import main
from genprobe.plugins import KINDS, plugins
from genprobe.plugins.manager import find_plugins

GOOD = """
    import genprobe

    @genprobe.hookimpl
    def genprobe_estimators():
        return {"answer[42]": lambda n: ANSWER}

    @genprobe.hookimpl
    def genprobe_add_commands(cli):
        import click
        cli.add_command(click.Command("greet", callback=lambda: click.echo("hello")))
"""
ESTIMATE = "genprobe.Estimate(name='answer', value=1.0, se=None, se_data=None, kind='exact', n=n)"
BROKEN = "raise ImportError('no such thing')"
LATE = """
    import genprobe

    @genprobe.hookimpl
    def genprobe_families():
        raise RuntimeError("not today")
"""


@pytest.fixture
def install(tmp_path, run, shell, monkeypatch):
    """Lay out a distribution as pip installs it, then run genprobe with it on the path."""
    site = tmp_path / "site"
    site.mkdir()
    modules = []

    def lay_out(name, code, version="1.2", requires=(), plugin=None):
        (site / f"{name}.py").write_text(dedent(code).replace("ANSWER", ESTIMATE))
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        (info / "entry_points.txt").write_text(f"[genprobe]\n{plugin or name} = {name}\n")
        modules.append(name)

    def forget():
        plugins.cache_clear()
        for name in modules:
            sys.modules.pop(name, None)

    def run_here(*arguments, **environment):
        """Run in this process, which knows as little of plugins as a new one."""
        forget()
        with monkeypatch.context() as patched:
            patched.syspath_prepend(site)
            patched.setattr(main, "commands", {})
            patched.setattr(logging.root, "handlers", [])  # pytest's: with them genprobe adds none
            for name, value in environment.items():
                patched.setenv(name, value)
            return run(*arguments)

    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    lay_out.run = run_here
    lay_out.shell = lambda *arguments: shell(*arguments, PYTHONPATH=path)
    yield lay_out
    forget()


def rows(text):
    return {tuple(line.split()) for line in text.splitlines() if not line.startswith("!")}


def test_every_built_in_part_is_listed_with_kind_and_version(run):
    parts = [part for kind in KINDS for part in find_plugins([]).parts(kind)]
    result = run("plugins")
    assert result.exit_code == 0
    assert {(p.kind, p.name, "builtin", __version__) for p in parts} <= rows(result.stdout)


def test_parts_and_failures_of_installed_plugins_are_listed_with_versions(install):
    install("good", GOOD)
    install("broken", BROKEN, version="0.3")
    install("late", LATE, version="7")
    install("rival", GOOD.replace("greet", "wave"))
    done = install.shell("plugins")
    assert done.returncode == 0, done.stderr
    assert ("estimators", "answer[42]", "good", "1.2") in rows(done.stdout)
    assert ("families", "diagonal-normal", "builtin", __version__) in rows(done.stdout)
    problems = " ".join(done.stdout[done.stdout.index("\n!") :].split())
    assert "! broken 0.3: ImportError: no such thing" in problems
    assert "! late 7: genprobe_families: RuntimeError: not today" in problems
    assert re.search(r"'answer\[42\]' is provided by (good and rival|rival and good)", problems)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_broken_plugin_leaves_every_command_working(install, tiny):
    install("broken", BROKEN)
    done = install.run("evaluate", tiny.a, "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("a on images")


MISSPELT = """
    import genprobe

    @genprobe.hookimpl
    def genprobe_familes():
        return []
"""
UNMARKED = """
    def genprobe_families():
        return []
"""


@pytest.fixture
def all_broken(install):
    """Every way in which a plugin fails, each installed, and one that works."""
    install("good", GOOD, requires=["genprobe>=0.1", 'genprobe>=99; extra == "test"'])
    install("bad", "raise ImportError('no such thing')", version="0.3")
    install("modern", GOOD, version="4", requires=["genprobe>=99", "torch"])
    install("typo", MISSPELT, version="0.1")
    install("unmarked", UNMARKED, version="0.2")
    install("silent", "", version="0.4")
    install("ann", GOOD.replace("greet", "wave").replace("42", "1"), plugin="twin")
    install("bob", GOOD.replace("greet", "call").replace("42", "2"), plugin="twin")
    return install


def test_every_plugin_that_fails_is_listed_with_its_cause(all_broken):
    done = all_broken.run("plugins")
    assert (done.exit_code, done.stderr) == (0, "")
    problems = " ".join(done.stdout[done.stdout.index("\n!") :].split())
    for problem in (
        "! bad 0.3: ImportError: no such thing",
        f"! modern 4: it needs genprobe>=99; this is genprobe {__version__}",
        "! typo 0.1: PluginValidationError: unknown hook 'genprobe_familes'",
        "did you mean genprobe_families?",
        "! unmarked 0.2: PluginError: genprobe_families is not marked with @genprobe.hookimpl.",
        "! silent 0.4: PluginError: It implements no hook of genprobe.",
    ):
        assert problem in problems
    first, second = re.search(
        r"! twin 1\.2: another plugin has this name; that of (\w+) was found first and is the one "
        r"in use, that of (\w+) is not",
        problems,
    ).groups()
    assert {first, second} == {"ann", "bob"}
    assert problems.count("!") == 6
    assert ("estimators", "answer[42]", "good", "1.2") in rows(done.stdout)


def test_no_plugin_that_fails_stops_an_evaluation(all_broken, tiny):
    done = all_broken.shell("evaluate", tiny.a, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("a on images")
    assert re.search(r"^  answer +1\.0", done.stdout, re.MULTILINE)


def test_an_estimator_that_returns_no_estimate_is_told_beside_the_others(install, tiny):
    install("odd", GOOD.replace("ANSWER", "None"))
    done = install.run("evaluate", tiny.a, "--quiet", "--details")
    assert (done.exit_code, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert "The estimator answer[42] failed: TypeError: it returns a NoneType" in said
    assert "GENPROBE_PLUGINS" in said


def test_a_fault_in_the_code_of_a_plugin_is_told_with_its_name(install, tiny):
    code = """
        import genprobe

        @genprobe.hookimpl
        def genprobe_renderers():
            return {"odd": lambda report: report["unheard_of"]}
    """
    install("odd", code)
    command = ("evaluate", tiny.a, "--quiet", "--format", "odd")
    done = install.run(*command)
    assert (done.exit_code, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("Error: The plugin odd fails: KeyError:")
    assert "--traceback" in second
    assert isinstance(install.run("--traceback", *command).exception, KeyError)


def test_a_command_of_a_plugin_runs_and_is_in_the_help(install):
    install("good", GOOD)
    assert install.run("greet").stdout == "hello\n"
    assert re.search(r"^  greet\b", install.run("--help").stdout, re.MULTILINE)


def test_a_plugin_cannot_replace_a_command(install):
    install("good", GOOD.replace("greet", "show"))
    assert "Print the report of a store." in install.run("--help").stdout
    problems = " ".join(install.run("plugins").stdout.split())
    assert "! good 1.2: genprobe_add_commands: PluginError: There is a command 'show'" in problems


def test_the_environment_leaves_plugins_out(install):
    install("good", GOOD)
    assert install.run("greet", GENPROBE_PLUGINS="").exit_code == 2
    assert install.run("greet", GENPROBE_PLUGINS="good").exit_code == 0
