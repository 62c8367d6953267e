import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from genprobe.analysis import findings
from genprobe.analysis.rounding import rounded, rounded_error
from genprobe.comparing.compare import compare
from genprobe.comparing.model_names import short_names
from genprobe.render.page import grids, html
from genprobe.render.page.entry import SHOWN, largest, shares
from genprobe.render.page.html import to_html
from genprobe.store.pictures import Grid, Pictures
from genprobe.types import Notice

HOSTILE = "<img src=x onerror=alert(1)></script>"
VOID = {"meta", "img", "input", "br", "link"}


LIBRARY = html.plotly()


@pytest.fixture(autouse=True)
def _small_library(monkeypatch):
    """A library of one line: the tests read the page, and the real one is a megabyte of it."""
    monkeypatch.setattr(html, "plotly", lambda: "const Plotly = {};")


class Page(HTMLParser):
    """Every element of a page, with its attributes and text; fails on tags that do not nest."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self._open = [], []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        element = SimpleNamespace(tag=tag, attrs=dict(attrs), text="", within=list(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop().tag == tag

    def handle_data(self, data):
        for element in self._open:
            element.text += data

    def all(self, tag, **attrs):
        wanted = {k.rstrip("_").replace("_", "-"): v for k, v in attrs.items()}
        return [e for e in self.elements if e.tag == tag and wanted.items() <= e.attrs.items()]


def compared(*reports, **changes):
    content = {"entropy": 90.0, "entropy_source": "given"}
    return replace(compare(reports), **(content | changes))


@pytest.fixture
def two(make_report):
    return compared(make_report(model="low"), make_report(model="high", shift=5.0))


def numbers(page):
    """Every number of a page: nats, and the text."""
    return [(float(e.attrs["value"]), e.text) for e in page.all("data")]


def texts(page, by=1.0):
    """What every number should be, in a unit of so many nats."""
    found = []
    for e in page.all("data"):
        value, error = float(e.attrs["value"]) / by, float(e.attrs.get("data-error", 0)) / by
        spread = "spread" in e.attrs["class"].split()
        found.append(rounded_error(value) if spread else rounded(value, error))
    return found


def test_the_page_is_whole_and_says_in_which_language(two):
    text = to_html(two)
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert page.all("html", lang="en")
    assert [len(page.all(tag)) for tag in ("title", "main", "h1")] == [1, 1, 1]
    ids = [e.attrs["id"] for e in page.elements if "id" in e.attrs]
    assert len(ids) == len(set(ids))
    named = {e.attrs["aria-labelledby"] for e in page.elements if "aria-labelledby" in e.attrs}
    assert named <= set(ids)


def test_nothing_is_fetched_and_the_policy_forbids_it(two):
    page = Page(to_html(two))
    fetched = {"src", "href", "srcset", "poster", "action", "data"}
    links = [v for e in page.elements for k, v in e.attrs.items() if k in fetched]
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not page.all("link")
    assert not re.search(r"@import|url\(", page.all("style")[0].text)
    [meta] = page.all("meta", http_equiv="Content-Security-Policy")
    assert "default-src 'none'" in meta.attrs["content"]
    assert "connect-src" not in meta.attrs["content"]


def test_the_policy_names_the_hash_of_every_script_and_no_other(two):
    page = Page(to_html(two))
    scripts = [e.text for e in page.all("script") if "type" not in e.attrs]
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    [meta] = page.all("meta", http_equiv="Content-Security-Policy")
    assert re.findall(r"'sha256-([^']+)'", meta.attrs["content"]) == digests
    assert len(scripts) == 2


def test_the_numbers_are_those_of_the_reports(two):
    page = Page(to_html(two))
    shown = numbers(page)
    assert {value for value, _ in shown} >= {20.0, 25.0, 70.0, -90.0, -95.0, 6.0}
    assert [text for _, text in shown] == texts(page)
    assert "20.00" in texts(page), "two digits of an error of 0.25"


def test_bits_divide_what_is_shown_and_not_what_the_script_reads(two):
    nats, bits = (numbers(Page(to_html(two, unit))) for unit in ("nats", "bits"))
    assert [value for value, _ in nats] == [value for value, _ in bits]
    assert [text for _, text in bits] == texts(Page(to_html(two, "bits")), math.log(2))
    assert {e.text for e in Page(to_html(two, "bits")).all("span", class_="unit")} <= {"bits"}


def test_sentences_with_numbers_are_there_in_every_unit(two, make_report):
    for found in (two, compared(make_report())):
        page = Page(to_html(found, "bits"))
        [given] = page.all("script", id="page")
        said = json.loads(given.text)["said"]
        assert said.keys() == {"nats", "bits", "bits/dim"}
        shown = [e for e in page.all("p") if e.attrs.get("data-said") == "verdict"]
        assert [e.text for e in shown] == said["bits"]["verdict"]
        regimes = {e.text for e in page.all("span") if e.attrs.get("data-said") == "regimes"}
        assert regimes == set(said["bits"]["regimes"])
        for key in ("verdict", "regimes"):
            assert [len(said[unit][key]) for unit in said] == [len(said["nats"][key])] * 3
        assert said["bits"]["regimes"] != said["nats"]["regimes"]


def test_findings_link_to_the_documentation_where_the_package_says_where_it_is(two, monkeypatch):
    monkeypatch.setattr(findings, "documentation", lambda: "https://genprobe.example/")
    links = {e.attrs["href"] for e in Page(to_html(two)).all("a")}
    assert "https://genprobe.example/warnings.html#saturated" in links


def test_the_script_is_given_every_unit(two):
    [given] = Page(to_html(two)).all("script", id="page")
    units = json.loads(given.text)["units"]
    assert units == {"nats": 1.0, "bits": math.log(2), "bits/dim": 20 * math.log(2)}


def test_data_of_unknown_size_have_no_bits_per_dimension(make_report):
    [given] = Page(to_html(compared(make_report(provenance={"event_shape": [0]})))).all(
        "script", id="page"
    )
    assert json.loads(given.text)["units"].keys() == {"nats", "bits"}


def test_the_best_elbo_is_marked_of_several_and_not_of_one(two, make_report):
    def best(page):
        return [e for e in page.all("td") if "best" in e.attrs.get("class", "").split()]

    [cell] = best(Page(to_html(two)))
    assert cell.text.startswith("−90.00 ★ best")
    assert best(Page(to_html(compared(make_report())))) == []


def lead(comparison):
    """The first sentence of the verdict."""
    [found] = [e for e in Page(to_html(comparison)).all("p") if e.attrs.get("class") == "lead"]
    return " ".join(found.text.split())


@pytest.mark.parametrize("count", [1, 2, 12])
def test_the_verdict_comes_first_and_then_findings_plane_and_comparison(make_report, count):
    comparison = compared(*(make_report(model=f"m{i}", shift=float(i)) for i in range(count)))
    page = Page(to_html(comparison))
    order = [e.attrs["id"] for e in page.all("h2")]
    wanted = ["verdict", "findings", "plane-title", "regimes", "numbers", "each"]
    assert order[: len(wanted) - (count == 1)] == [w for w in wanted if count > 1 or w != "numbers"]
    said = comparison.verdict if count > 1 else comparison.reports[0].verdict
    [section] = page.all("section", class_="verdict")
    shown = [e.text for e in page.all("p") if e.within[-1] is section]
    assert [text for text in shown if text in said] == list(said)


def test_every_entry_of_the_contents_leads_to_a_part_of_the_page(two, make_report):
    for comparison in (two, compared(make_report(dimensions=()))):
        page = Page(to_html(comparison))
        ids = {e.attrs.get("id") for e in page.elements}
        links = [e.attrs["href"] for e in page.all("a")]
        titles = [e.attrs["id"] for e in page.all("h2")]
        assert [f"#{title}" for title in titles[1:]] == links
        assert {link.removeprefix("#") for link in links} <= ids


def test_what_can_be_sorted_has_its_values_in_nats_or_words(two):
    page = Page(to_html(two, "bits"))
    tables = [e for e in page.all("table") if "sortable" in e.attrs.get("class", "")]
    assert len(tables) >= 2
    [cells] = [[c for c in page.all(tag) if tables[0] in c.within] for tag in ("td",)]
    assert all("data-value" in cell.attrs for cell in cells)
    rates = [cell.attrs["data-value"] for cell in cells if cell.text.startswith("28.85")]
    assert rates == ["20.0"]
    alone = Page(to_html(compared(two.reports[0])))
    assert not [e for e in alone.all("table") if "sortable" in e.attrs.get("class", "")]


def test_what_is_wrong_stands_before_what_to_do(two):
    [shown] = [e for e in Page(to_html(two)).all("ul") if e.attrs.get("class") == "warnings"]
    text = shown.text
    assert 0 <= text.index("I(n;z) is near log N.") < text.index("Use more examples.")


def test_a_rival_in_the_verdict_is_text(make_told):
    told = make_told(0.5, names=["a", HOSTILE])
    assert HOSTILE not in to_html(told)
    assert "cannot be told from that of <img src=x" in lead(told)


def test_every_row_and_column_has_a_header_and_every_picture_a_text(two):
    page = Page(to_html(two))
    assert page.all("th")
    assert all(e.attrs.get("scope") for e in page.all("th"))
    rows = [e for e in page.all("tr") if e.within[-1].tag == "tbody"]
    for row in rows:
        headers = [e for e in page.all("th") if row in e.within]
        assert len(headers) == 1, row.text
    assert all(e.attrs.get("alt") for e in page.all("img"))


def test_differences_stand_beside_their_reference_and_errors(two):
    text = to_html(two)
    assert f'Differences from <span class="name">{two.reference}</span>' in text
    [d] = [d for d in two.differences if d.name == "elbo"]
    assert f'value="{d.value}"' in text
    assert "† where an example" in text
    assert "Differences from" not in to_html(compared(two.reports[0]))


@pytest.mark.parametrize(
    ("errors", "words"),
    [((9.0,), "holds at 5 %"), ((9.0, 5.0), "holds at 5 % for all 3 comparisons at once")],
)
def test_the_differences_say_when_they_hold(make_told, errors, words):
    captions = [e.text for e in Page(to_html(make_told(*errors))).all("caption")]
    assert [text for text in captions if text.endswith(words)]


def test_a_bound_that_was_given_is_as_given(two):
    assert any(e.text.endswith("90.000 nats, as given.") for e in Page(to_html(two)).all("p"))


def test_each_model_can_be_hidden_wherever_it_is(two):
    page = Page(to_html(two))
    toggles = {e.attrs["data-toggle"] for e in page.all("input")}
    assert toggles == {"0", "1"}
    parts = [e.attrs["data-model"] for e in page.elements if "data-model" in e.attrs]
    assert set(parts) == toggles | {"0 1"}


def test_what_is_said_of_one_model_goes_with_it(two):
    page = Page(to_html(two))
    best = str(two.names.index(two.best))
    [elbo] = page.all("p", class_="elbo")
    [title] = [e for e in page.all("h3") if e.attrs.get("id") == "differences"]
    assert elbo.attrs["data-model"] == best
    assert title.within[-1].attrs["data-model"] == best
    tags = [e for e in page.all("span") if e.attrs.get("class") == "tag"]
    tags = [e for e in tags if e.within[-1].tag == "p"]
    assert [e.attrs["data-model"] for e in tags] == [str(i) for i in two.frontier]


def test_what_has_no_script_shows_no_switches(two):
    [toolbar] = [e for e in Page(to_html(two)).all("div") if e.attrs.get("class") == "toolbar"]
    assert "hidden" in toolbar.attrs


def test_names_are_text_wherever_they_stand(make_report, make_estimate):
    report = make_report(
        model=HOSTILE,
        dataset=HOSTILE,
        warnings=[Notice(code=HOSTILE, message=HOSTILE, remedy=HOSTILE)],
        provenance={"event_shape": [4, 5], "asked": {"model": HOSTILE}, HOSTILE: [HOSTILE]},
    )
    report = make_report(
        **{
            **vars(report),
            "estimates": {**report.estimates, HOSTILE: make_estimate(HOSTILE, 1.0)},
        }
    )
    text = to_html(compared(report, make_report(), entropy_source=HOSTILE))
    page = Page(text)
    assert "<img src=x" not in text
    assert not page.all("img", src="x")
    assert not [e for e in page.elements if any(k.startswith("on") for k in e.attrs)]
    plain = Page(to_html(compared(make_report(model="m"), make_report())))
    assert len(page.all("script")) == len(plain.all("script"))
    assert page.all("h1")[0].text.endswith(HOSTILE)
    [given] = page.all("script", id="page")
    texts = [t["text"][0] for t in json.loads(given.text)["figure"]["data"] if "text" in t]
    assert escape(short_names([HOSTILE, "vae"])[0]) in texts


def warned(*reports):
    """The warnings of a page: of which models, and in what words."""
    page = Page(to_html(compared(*reports)))
    lists = [e for e in page.all("ul") if e.attrs.get("class") == "warnings"]
    items = [e for e in page.all("li") if e.within[-1] in lists]
    return [(e.attrs["data-model"], " ".join(e.text.split())) for e in items]


def test_a_warning_of_all_models_stands_once_with_its_remedy(two):
    words = "saturated all models I(n;z) is near log N. Use more examples. "
    words += "Documentation: warnings.html#saturated"
    assert warned(*two.reports) == [("0 1", words)]


def test_a_warning_of_some_models_names_them_and_what_differs(make_report):
    def near(number):
        return [Notice(code="near", message=f"It is {number}.", remedy="Go on.")]

    a, b, c = (make_report(model=name, warnings=[]) for name in "abc")
    one = warned(replace(a, warnings=near(3)), b, c)
    assert one == [("0", "near a It is 3. Go on.")]
    both = warned(replace(a, warnings=near(3)), b, replace(c, warnings=near(4)))
    assert both == [("0 2", "near Of each model a It is 3. c It is 4. Go on.")]


def test_a_warning_of_a_single_model_names_none(make_report):
    assert warned(make_report()) == [
        (
            "0",
            "saturated I(n;z) is near log N. Use more examples. "
            "Documentation: warnings.html#saturated",
        ),
    ]


def test_the_rate_is_divided_without_rest(make_report, make_estimate):
    report = make_report()
    upper = make_estimate("mutual_information_population_upper", 15.0, kind="upper")
    report = make_report(
        estimates={**report.estimates, "mutual_information_population_upper": upper}
    )
    parts = {share.name: share.nats for share in shares(report)}
    assert parts == {
        "about x, at least": 6.0,
        "either": 9.0,
        "prior mismatch, at least": 5.0,
    }


@pytest.mark.parametrize(
    ("rate", "lower", "upper", "parts"),
    [(5.0, 6.0, 7.0, [5, 0, 0]), (5.0, 3.0, 2.0, [3, 0, 2]), (5.0, -0.1, 9.0, [0, 5, 0])],
)
def test_estimates_that_cross_within_their_errors_make_no_negative_bar(
    make_report, make_estimate, rate, lower, upper, parts
):
    estimates = {
        "rate": rate,
        "mutual_information": lower,
        "mutual_information_population_upper": upper,
    }
    report = make_report(estimates={k: make_estimate(k, v) for k, v in estimates.items()})
    assert [share.nats for share in shares(report)] == pytest.approx(parts)


def test_of_many_dimensions_the_largest_are_shown(make_report, make_dimension):
    rates = [0.001, 5.0, 0.3] + [1.0] * 30
    report = make_report(dimensions=tuple(make_dimension(i, r) for i, r in enumerate(rates)))
    shown = largest(report.dimensions)
    assert len(shown) == SHOWN
    assert [d.index for d in shown[:2]] == [1, 3]
    assert 0 not in {d.index for d in shown}


@pytest.fixture
def pictured(make_report, monkeypatch):
    """A page of a model with two grids of pictures."""
    images = np.zeros((2, 3, 8, 8, 1), np.uint8)
    pictures = Pictures(
        grids={
            "reconstructions": Grid(images=images, rows=("input", HOSTILE)),
            "prior": Grid(images=images, rows=("", ""), source=HOSTILE),
        },
        absent={"traversals": HOSTILE},
    )
    monkeypatch.setattr(grids, "load_pictures", lambda store: pictures)
    provenance = {"event_shape": [8, 8], "likelihood": "bernoulli"}
    report = make_report(provenance=provenance, store=SimpleNamespace(path="s.h5"))
    return Page(to_html(compared(report)))


@pytest.mark.parametrize(("count", "rows"), [(2, 5), (html.FEW, 17), (html.FEW + 1, 0)])
def test_a_few_models_are_seen_below_the_same_inputs(make_report, monkeypatch, count, rows):
    images = np.zeros((2, 3, 8, 8, 1), np.uint8)
    names = {"reconstructions": ("input", "code 1"), "prior": ("", "")}
    pictures = Pictures(grids={k: Grid(images=images, rows=v) for k, v in names.items()}, absent={})
    monkeypatch.setattr(grids, "load_pictures", lambda store: pictures)
    provenance = {"event_shape": [8, 8], "likelihood": "bernoulli"}
    made = compared(
        *(make_report(model=f"m{i}", shift=float(i), provenance=provenance) for i in range(count))
    )
    stored = tuple(replace(r, store=SimpleNamespace(path="s.h5")) for r in made.reports)
    page = Page(to_html(replace(made, reports=stored)))
    together = [e for e in page.all("figure") if e.attrs.get("class") == "together"]
    inside = [i for i in page.all("img") if any(f in i.within for f in together)]
    assert len(inside) == rows


def test_pictures_are_in_the_page_with_texts_for_those_who_do_not_see_them(pictured):
    images = pictured.all("img")
    assert len(images) == 4
    assert all(e.attrs["src"].startswith("data:image/png;base64,") for e in images)
    assert images[0].attrs["alt"] == "Reconstructions of vae, input: 3 pictures in a row"
    assert images[1].attrs["alt"].count(HOSTILE) == 1
    assert any(f"Traversals: {HOSTILE}" == e.text for e in pictured.all("p"))


@pytest.mark.parametrize(
    ("provenance", "line"),
    [
        ({"event_shape": [7], "likelihood": "bernoulli"}, "The data are not images."),
        ({"event_shape": [8, 8], "likelihood": None}, "There is no decoder to see at work."),
        (
            {"event_shape": [8, 8], "likelihood": "bernoulli"},
            "Pictures are beside the store: show or compare the store, not its JSON.",
        ),
    ],
)
def test_a_report_without_pictures_says_why_in_one_line(make_report, provenance, line):
    page = Page(to_html(compared(make_report(provenance=provenance))))
    assert page.all("img") == []
    assert line in [e.text for e in page.all("p")]


def test_a_store_without_pictures_says_how_to_get_them(make_report, tmp_path):
    store = SimpleNamespace(path=tmp_path / "old.h5")
    provenance = {"event_shape": [8, 8], "likelihood": "bernoulli"}
    report = make_report(provenance=provenance, store=store)
    [line] = [e.text for e in Page(to_html(compared(report))).all("p") if "old.h5" in e.text]
    assert "has no pictures" in line
    assert "evaluate again" in line
    assert "\n" not in line


def test_models_without_a_distortion_have_no_plane_and_the_page_no_library(make_report):
    report = make_report()
    blind = make_report(estimates={"rate": report["rate"]})
    text = to_html(compare([blind]))
    assert "none has a place on the plane" in text
    assert len(text) < 100_000


def test_two_hundred_models_are_folded_away(make_report):
    reports = [make_report(model=f"model {i}", shift=0.1 * i) for i in range(200)]
    page = Page(to_html(compared(*reports)))
    assert len(page.all("input")) == 200
    assert not [e for e in page.all("details") if "open" in e.attrs]
    assert any("200 semantic-encoder" in e.text for e in page.all("li"))
    assert "1 of 200 models are on the frontier" in " ".join(e.text for e in page.all("summary"))


def test_the_page_is_the_same_every_time(two):
    assert to_html(two) == to_html(two)


def test_the_library_is_the_release_that_the_documentation_names():
    # As in the archive plotly.js-basic-dist-min-4.1.1.tgz of the npm registry.
    digest = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
    assert hashlib.sha256(LIBRARY.encode()).hexdigest() == digest
    assert "v4.1.1" in LIBRARY[:200]


def test_the_library_cannot_end_its_own_element():
    assert "</script" not in LIBRARY.lower()
    assert "<!--" not in LIBRARY


def test_what_codes_tell_of_labels_is_compared(make_report, make_label):
    told = {"si<te": make_label("si<te", information=0.5)}
    less = {"si<te": make_label("si<te", information=0.2)}
    reports = [make_report(model="low", labels=told), make_report(model="high", shift=5.0)]
    page = Page(to_html(compared(*reports, make_report(model="far", shift=9.0, labels=less))))
    [heading] = page.all("h3", id="told")
    assert heading.text == "What the codes tell of each label, at least, nats"
    [table] = [e for e in page.all("table") if "Δ si<te" in e.text]
    cells = [e for e in page.all("td", class_="figure") if table in e.within]
    rows = [[cell.text for cell in cells[2 * i : 2 * i + 2]] for i in range(3)]
    assert rows == [["0.50± 0.25", "–"], ["–", "–"], ["0.20± 0.25", "≈ −0.30†± 0.35"]]
    assert "not paired" in "".join(e.text for e in page.all("p"))


def test_what_is_about_labels_is_marked_on_the_bars(make_model, make_label):
    labels = {"kind": make_label(information=1.5)}
    report = make_model("one", 20.0, 70.0, information=6.0, upper=15.0, labels=labels)
    other = make_model("two", 10.0, 80.0, information=5.0, upper=8.0)
    page = Page(to_html(compared(report, other)))
    [strip] = page.all("i", class_="strip strip-0")
    assert strip.attrs["style"] == "width: 7.50%"
    assert not Page(to_html(compared(other))).all("i", class_="strip strip-0")
