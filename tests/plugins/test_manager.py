import json
import sys
from importlib.metadata import EntryPoint
from textwrap import dedent

import click
import pytest
import torch

import genprobe
from genprobe.errors import PluginError
from genprobe.plugins import KINDS, manager, plugins
from genprobe.plugins.manager import add_commands, at_fault, duplicates, find_plugins

ESTIMATOR = """
    @genprobe.hookimpl
    def genprobe_estimators():
        return {"answer": answer}

    def answer(n):
        return genprobe.Estimate(
            name="answer", value=42.0, se=0.0, se_data=None, kind="exact", unit="count", n=n
        )
"""
FAMILY = """
    @genprobe.hookimpl
    def genprobe_families():
        from genprobe.families.diagonal_normal import diagonal_normal as built_in

        def cross_log_prob(z, params):
            return built_in.distribution(params).log_prob(z[:, None])

        return [
            genprobe.Family(
                name="twin",
                distribution=built_in.distribution,
                constraints=built_in.constraints,
                cross_log_prob=cross_log_prob,
            )
        ]
"""
BROKEN = {
    "raises at import": ("raise ImportError('no such thing')", "ImportError: no such thing"),
    "exits at import": ("import sys; sys.exit('no licence')", "SystemExit: no licence"),
    "exits without a word": ("raise SystemExit", "SystemExit: no message"),
    "is no Python": ("def", "SyntaxError: invalid syntax"),
    "misspells a hook": (
        "@genprobe.hookimpl\ndef genprobe_familes(): return []",
        "unknown hook 'genprobe_familes'",
    ),
    "misnames an argument": (
        "@genprobe.hookimpl\ndef genprobe_report_ready(report, archive): pass",
        "archive",
    ),
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write a module and return the entry point that an installed distribution would have."""
    monkeypatch.syspath_prepend(tmp_path)
    modules = []

    def write(name, code, plugin=None):
        modules.append(name)
        (tmp_path / f"{name}.py").write_text("import genprobe\n" + dedent(code))
        return EntryPoint(plugin or name, name, "genprobe")

    yield write
    for name in modules:
        sys.modules.pop(name, None)


@pytest.fixture
def use(monkeypatch):
    """Make these entry points the ones of this process."""

    def found(*points):
        monkeypatch.setattr(manager, "entry_points", lambda group: points)
        plugins.cache_clear()

    yield found
    plugins.cache_clear()


@pytest.fixture
def model():
    """An encoder that says x itself, blurred."""

    def make(**changes):
        parts = {"posterior": "diagonal-normal", "prior": "standard-normal"}
        encode = lambda x: {"loc": x, "scale": torch.full_like(x, 0.5)}  # noqa: E731
        return genprobe.Model(name="blur", encode=encode, **(parts | changes))

    return make


@pytest.fixture
def data():
    return torch.randn(40, 2)


def names(found, kind):
    return [part.name for part in found.parts(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_built_in_parts_are_there_without_any_plugin(kind):
    parts = find_plugins([]).parts(kind)
    assert parts
    assert {(part.owner, part.kind) for part in parts} == {("builtin", kind)}


@pytest.mark.parametrize(("code", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_plugin_that_does_not_work_is_set_aside_with_the_cause(install, code, cause):
    found = find_plugins([install("broken", code), install("good", ESTIMATOR)])
    [failure] = found.failures
    assert failure.owner == "broken"
    assert cause in failure.reason
    assert "\n" not in failure.reason
    assert "answer" in found.all("estimators")
    assert found.versions.keys() == {"builtin", "good"}


def test_no_hook_of_a_plugin_set_aside_is_left_in_use(install):
    code = ESTIMATOR + "\n    @genprobe.hookimpl\n    def genprobe_familes(): return []"
    found = find_plugins([install("broken", code)])
    assert "answer" not in found.all("estimators")
    assert [name for name, _ in found.manager.list_name_plugin() if name != "builtin"] == []


def test_of_two_plugins_with_one_name_the_first_is_used_and_the_second_is_reported(install):
    first, second = install("one", ESTIMATOR, "twin"), install("two", FAMILY, "twin")
    found = find_plugins([first, second])
    assert "answer" in names(found, "estimators")
    assert "twin" not in names(found, "families")
    assert [(f.owner, "another plugin has this name" in f.reason) for f in found.failures] == [
        ("twin", True)
    ]


def test_a_broken_plugin_does_not_take_the_name_from_a_working_one(install):
    broken, good = install("one", "1 / 0", "twin"), install("two", ESTIMATOR, "twin")
    found = find_plugins([broken, good])
    assert "answer" in names(found, "estimators")
    assert [f.reason for f in found.failures] == ["ZeroDivisionError: division by zero"]


def test_a_plugin_cannot_take_the_name_of_the_built_in_one(install):
    found = find_plugins([install("sly", ESTIMATOR, "builtin")])
    assert [f.owner for f in found.failures] == ["builtin"]
    assert "rate" in names(found, "estimators")


@pytest.fixture
def rivals(install):
    return find_plugins([install("ann", ESTIMATOR), install("bob", ESTIMATOR)])


def test_a_name_that_two_plugins_provide_is_an_error_naming_both(rivals):
    with pytest.raises(PluginError) as error:
        rivals.get("estimators", "answer")
    assert error.value.what == "The estimator 'answer' is provided by ann and bob."
    assert "GENPROBE_PLUGINS" in error.value.remedy


def test_every_other_part_works_beside_a_name_provided_twice(rivals):
    assert rivals.get("estimators", "rate").__name__ == "rate"
    assert list(rivals.all("families")) == names(find_plugins([]), "families")


def test_names_provided_twice_are_listed(rivals):
    assert duplicates(rivals) == ["the estimator 'answer' is provided by ann and bob"]


def test_an_unknown_part_is_an_error_that_lists_those_there_are():
    with pytest.raises(PluginError) as error:
        find_plugins([]).get("families", "diagonal")
    assert error.value.what == "There is no family 'diagonal'."
    assert "There are: bernoulli, " in error.value.remedy
    assert error.value.remedy.startswith("Did you mean diagonal-normal? ")


def test_an_unknown_part_may_be_that_of_a_plugin_that_was_set_aside(install):
    code, cause = BROKEN["misspells a hook"]
    with pytest.raises(PluginError) as error:
        find_plugins([install("mine", code)]).get("families", "mine")
    assert "mine (" in error.value.remedy
    assert cause in error.value.remedy


def test_an_error_is_the_fault_of_the_innermost_plugin_in_its_traceback(install, use):
    use(install("outer", "def call(f): return f()\n" + dedent(ESTIMATOR)))
    import outer

    def fails():
        raise KeyError("scales")

    with pytest.raises(KeyError) as inside:
        outer.call(fails)
    assert at_fault(inside.value) == "outer"
    with pytest.raises(KeyError) as elsewhere:
        fails()
    assert at_fault(elsewhere.value) is None


@pytest.mark.parametrize("result", ["1 / 0", "return None", "return [object()]"])
def test_a_hook_that_fails_when_called_is_recorded_once_and_the_others_work(install, result):
    code = f"@genprobe.hookimpl\ndef genprobe_families():\n    {result}"
    found = find_plugins([install("broken", code), install("good", FAMILY)])
    for _ in range(2):
        assert names(found, "families") == [*names(find_plugins([]), "families"), "twin"]
    [failure] = found.failures
    assert failure.owner == "broken"
    assert failure.reason.startswith("genprobe_families: ")


@pytest.mark.parametrize(
    ("wanted", "loaded"),
    [
        (None, {"ann", "bob"}),
        ("", set()),
        ("bob", {"bob"}),
        (" ann, bob ", {"ann", "bob"}),
        ("carol", set()),
    ],
)
def test_the_environment_chooses_which_plugins_load(install, use, monkeypatch, wanted, loaded):
    use(install("ann", ESTIMATOR), install("bob", FAMILY))
    if wanted is None:
        monkeypatch.delenv("GENPROBE_PLUGINS", raising=False)
    else:
        monkeypatch.setenv("GENPROBE_PLUGINS", wanted)
    assert plugins().versions.keys() == {"builtin"} | loaded


def test_a_plugin_that_is_not_chosen_is_not_imported(install):
    points = [install("broken", "1 / 0"), install("good", ESTIMATOR)]
    assert find_plugins(points, "good").failures == []
    assert "broken" not in sys.modules


def test_a_chosen_plugin_that_is_not_installed_is_listed(install):
    found = find_plugins([install("good", ESTIMATOR)], "zoe,, good ,ann")
    assert found.versions.keys() == {"builtin", "good"}
    assert [failure.owner for failure in found.failures] == ["ann", "zoe"]
    assert all("not installed" in failure.reason for failure in found.failures)


def test_a_family_of_a_plugin_gives_the_numbers_of_the_built_in_it_copies(
    install, use, model, data
):
    use(install("families", FAMILY))
    twin = genprobe.evaluate(model(posterior="twin"), data)
    built_in = genprobe.evaluate(model(), data)
    assert twin.provenance["family"] == "twin"
    for name in ("rate", "mutual_information", "marginal_kl", "mutual_information_loo"):
        assert twin[name].value == pytest.approx(built_in[name].value, abs=1e-4)


def test_an_estimator_of_a_plugin_is_a_row_of_the_report(install, use, model, data):
    use(install("answers", ESTIMATOR))
    report = genprobe.evaluate(model(), data)
    assert report["answer"].value == 42
    assert report["answer"].n == 40
    assert "answer" in str(report)


def test_an_estimator_that_asks_for_no_quantity_is_set_aside_in_the_report(
    install, use, model, data
):
    use(install("greedy", ESTIMATOR.replace("answer(n)", "answer(n, entropy_rate)")))
    report = genprobe.evaluate(model(), data)
    [notice] = [n for n in report.warnings if n.code == "estimator-failed"]
    assert "asks for entropy_rate, which is not a quantity" in notice.message
    assert "rate" in report.estimates


def test_a_given_estimator_that_asks_for_no_quantity_is_an_error_with_the_list(
    model, data, tmp_path
):
    given = {"answer": lambda n, entropy_rate: None}
    with pytest.raises(PluginError) as error:
        genprobe.evaluate(model(), data, store=tmp_path / "s.h5", estimators=given)
    assert not list(tmp_path.glob("s.h5*")), "nothing is encoded for it"
    assert (
        error.value.what == "The estimator answer asks for entropy_rate, which is not a quantity."
    )
    for quantity in ("log_qz_x", "log_qz", "log_qz_loo", "rate", "distortion", "n"):
        assert quantity in error.value.remedy


def test_a_probe_of_a_plugin_is_stored_example_by_example(install, use, model, data, tmp_path):
    code = """
        @genprobe.hookimpl
        def genprobe_probes():
            return {"square": lambda x: x.double().square().sum(1)[None]}
    """
    use(install("probes", code))
    genprobe.evaluate(model(), data, store=tmp_path / "s.h5")
    column = genprobe.open_store(tmp_path / "s.h5").column("probes/square")
    torch.testing.assert_close(column, data.double().square().sum(1)[None])


def test_a_probe_that_asks_for_what_there_is_not_is_an_error_with_the_list(
    install, use, model, data
):
    code = """
        @genprobe.hookimpl
        def genprobe_probes():
            return {"square": lambda weights: None}
    """
    use(install("probes", code))
    with pytest.raises(PluginError) as error:
        genprobe.evaluate(model(), data)
    assert error.value.what == "The probe square asks for weights, which is not at hand."
    assert "params" in error.value.remedy


def test_a_renderer_of_a_plugin_is_found_by_its_format(install, use, model, data):
    code = """
        @genprobe.hookimpl
        def genprobe_renderers():
            return {"one-line": lambda report: f"{report.model}: {report['rate'].value:.2f}"}
    """
    use(install("renderers", code))
    report = genprobe.evaluate(model(), data)
    shown = plugins().get("renderers", "one-line")(report)
    assert shown == f"blur: {report['rate'].value:.2f}"


READY = """
    import json, pathlib

    @genprobe.hookimpl
    def genprobe_report_ready(report, store):
        line = json.dumps([report.model, report["rate"].value, store.header.n])
        with open({!r}, "a") as log:
            print(line, file=log)
"""


def test_a_plugin_hears_of_every_report_with_its_store(install, use, model, data, tmp_path):
    use(install("logger", READY.format(str(tmp_path / "log"))))
    reports = [genprobe.evaluate(model(), data[:n]) for n in (40, 20)]
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [["blur", r["rate"].value, r.n] for r in reports]


def test_a_logger_that_fails_costs_neither_the_report_nor_the_other_loggers(
    install, use, model, data, tmp_path, caplog
):
    broken = "@genprobe.hookimpl\ndef genprobe_report_ready(report): raise OSError('disk full')"
    logger = READY.format(str(tmp_path / "log"))
    use(install("ann", logger), install("bob", broken), install("carol", logger))
    assert genprobe.evaluate(model(), data)["rate"].value > 0
    assert len((tmp_path / "log").read_text().splitlines()) == 2
    [failure] = plugins().failures
    assert (failure.owner, failure.reason) == ("bob", "genprobe_report_ready: OSError: disk full")
    assert caplog.messages == ["The plugin bob fails: genprobe_report_ready: OSError: disk full"]


def test_a_plugin_adds_commands_and_one_that_cannot_is_left_out(install, use):
    good = """
        @genprobe.hookimpl
        def genprobe_add_commands(cli):
            import click
            cli.add_command(click.Command("greet", callback=lambda: click.echo("hello")))
    """
    broken = "@genprobe.hookimpl\ndef genprobe_add_commands(cli): raise RuntimeError('no')"
    use(install("broken", broken), install("good", good))
    group = click.Group()
    add_commands(group)
    assert group.commands.keys() == {"greet"}
    assert [f.reason for f in plugins().failures] == ["genprobe_add_commands: RuntimeError: no"]


@pytest.mark.parametrize(
    ("kind", "one"), [("families", "family"), ("priors", "prior"), ("likelihoods", "likelihood")]
)
def test_a_kind_is_named_in_the_singular(kind, one):
    assert manager.singular(kind) == one
