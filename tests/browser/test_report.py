"""The HTML report in real Chromium: it works, it stays at home, everyone can use it."""

import math
import re

import pytest

from genprobe.analysis.rounding import rounded, rounded_error


def numbers(page):
    """What every number of the page says, and how many nats it is."""
    return page.eval_on_selector_all(
        "data.nats", "cells => cells.map(c => [Number(c.value), c.textContent])"
    )


def rounded_texts(page, by):
    """What every number should say in a unit of so many nats, as Python rounds it."""
    read = "cells => cells.map(c => [+c.value, +(c.dataset.error ?? 0), c.className])"
    return [
        rounded_error(value / by) if "spread" in style else rounded(value / by, error / by)
        for value, error, style in page.eval_on_selector_all("data.nats", read)
    ]


def visible(page, model):
    return page.eval_on_selector_all(
        f'[data-model="{model}"]', "parts => parts.filter(p => p.checkVisibility()).length"
    )


def markers(page):
    """Names of the models on the plane."""
    return page.locator("#plane .textpoint text").all_text_contents()


def test_it_loads_in_silence_and_asks_for_nothing(opened):
    page = opened()
    assert page.locator("#plane .points path.point").count() == 2
    assert page.locator("img").count() > 10
    broken = "images => images.filter(i => !i.complete || i.naturalWidth === 0).length"
    assert page.eval_on_selector_all("img", broken) == 0


def test_a_request_would_be_blocked(chromium, path):
    page = chromium.new_page()
    asked = []
    page.route("**/*", lambda route: (asked.append(route.request.url), route.continue_()))
    page.goto(path.as_uri())
    outcome = page.evaluate(
        "fetch('http://127.0.0.1:9/').then(() => 'fetched', error => error.name)"
    )
    page.close()
    assert outcome == "TypeError"
    assert asked == [path.as_uri()]


def test_a_hostile_name_is_only_text(opened):
    page = opened()
    name = page.locator(".elbo strong").text_content()  # the best one, by its short name
    assert name.startswith("<img src=x")
    assert page.locator("main a:not(nav a), main img[src='x']").count() == 0
    assert name in markers(page)
    page.locator("#plane .points path.point").first.hover(force=True)
    page.wait_for_selector("#plane .hovertext")
    assert page.locator("#plane .hovertext").text_content().startswith(name)
    assert page.locator("#plane a").count() == 0


def test_bits_divide_every_number_by_log_2_and_nats_bring_them_back(opened):
    page = opened()
    before = numbers(page)
    page.get_by_role("button", name="bits", exact=True).click()
    bits = numbers(page)
    assert [value for value, _ in bits] == [value for value, _ in before]
    assert [text for _, text in bits] == rounded_texts(page, math.log(2))
    assert [text for _, text in before] == rounded_texts(page, 1.0)
    assert page.locator("#plane .xtitle").text_content() == "rate R, bits"
    assert set(page.locator(".unit").all_text_contents()) == {"bits"}
    page.get_by_role("button", name="nats").click()
    assert numbers(page) == before


def test_the_sentences_move_with_the_unit(opened):
    page = opened()
    lead = page.locator(".verdict .lead")
    before = lead.text_content()
    page.get_by_role("button", name="bits", exact=True).click()
    assert "bits" in lead.text_content()
    page.get_by_role("button", name="nats").click()
    assert lead.text_content() == before


def test_the_plane_moves_with_the_unit(opened):
    page = opened()
    ranges = "document.getElementById('plane').layout.xaxis.range"
    nats = page.evaluate(ranges)
    page.get_by_role("button", name="bits", exact=True).click()
    bits = page.evaluate(ranges)
    assert bits == pytest.approx([value / math.log(2) for value in nats])


def costs(page):
    """What the lines of equal ELBO are said to be, and R + D where each number stands."""
    said = """document.getElementById('plane').layout.annotations.map(
        a => [Number(a.text.replace('−', '-')), a.x + a.y])"""
    return page.evaluate(said)


def test_lines_of_equal_elbo_are_numbered_in_the_unit_shown(opened):
    page = opened()
    for name in ("nats", "bits"):
        page.get_by_role("button", name=name, exact=True).click()
        found = costs(page)
        assert len(found) >= 3
        assert all(said == pytest.approx(there) for said, there in found)
        lines = page.evaluate("document.getElementById('plane').data[0]")
        ends = zip(lines["x"], lines["y"], strict=True)
        drawn = [x + y for x, y in ends if x is not None]
        assert {round(cost, 6) for cost in drawn} == {said for said, _ in found}


def test_a_closer_view_has_lines_of_its_own(opened):
    page = opened()
    before = costs(page)
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
    assert len(costs(page)) >= 3
    assert costs(page) != before


def test_a_hidden_model_is_hidden_everywhere_and_comes_back(opened):
    page = opened()
    there = [visible(page, model) for model in (0, 1)]
    assert min(there) > 4
    box = page.get_by_role("checkbox", name="beta-6")
    mine = int(box.get_attribute("data-toggle"))
    box.uncheck()
    left = [0 if model == mine else there[model] for model in (0, 1)]
    assert [visible(page, model) for model in (0, 1)] == left
    assert "beta-6" not in markers(page)
    assert len(markers(page)) == 1
    box.check()
    assert [visible(page, model) for model in (0, 1)] == there
    assert len(markers(page)) == 2


def test_what_is_of_the_best_model_goes_with_it(opened):
    page = opened()
    said = [page.locator(".elbo"), page.locator("#differences")]
    best = page.locator(".elbo").get_attribute("data-model")
    assert all(part.is_visible() for part in said)
    box = page.locator(f'.boxes input[data-toggle="{best}"]')
    box.uncheck()
    assert not any(part.is_visible() for part in said)
    box.check()
    assert all(part.is_visible() for part in said)


def test_the_heading_of_a_column_sorts_and_turns_the_order_round(opened):
    page = opened()
    heading = page.locator("table.sortable thead").first.get_by_role("button", name="rate R")
    rows = "[...document.querySelector('table.sortable').tBodies[0].rows]"
    rates = f"{rows}.map(row => Number(row.cells[1].dataset.value))"
    heading.click()
    falling = page.evaluate(rates)
    assert falling == sorted(falling, reverse=True)
    heading.click()
    assert page.evaluate(rates) == falling[::-1]
    assert (
        page.locator("table.sortable thead [aria-sort]").first.get_attribute("aria-sort")
        == "ascending"
    )


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_first_screen_has_the_whole_verdict(opened, width, height):
    page = opened(width)
    box = page.locator(".verdict").bounding_box()
    assert box["y"] + box["height"] <= height


def test_a_warning_stays_until_the_last_of_its_models_is_hidden(opened):
    page = opened()
    shared = page.locator('.warnings > li[data-model="0 1"]')
    boxes = page.locator(".boxes input")
    there = shared.count()
    assert there
    boxes.nth(0).uncheck()
    assert shared.locator("visible=true").count() > 0
    boxes.nth(1).uncheck()
    assert not any(part.is_visible() for part in shared.all())


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(opened):
    page = opened()
    page.get_by_role("navigation").get_by_role("link").last.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "nats"
    width = "getComputedStyle(document.activeElement).outlineWidth"
    assert float(page.evaluate(width).removesuffix("px")) >= 2
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    pressed = page.locator("[aria-pressed=true]")
    assert pressed.all_text_contents() == ["bits"]
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    for part in ('data-toggle="0"', 'data-toggle="1"', 'data-zoom="2"', "<summary>", "<pre"):
        assert any(part in element for element in reached), part


def test_space_hides_a_model(opened):
    page = opened()
    box = page.get_by_role("checkbox", name="beta-6")
    box.focus()
    page.keyboard.press("Space")
    assert visible(page, box.get_attribute("data-toggle")) == 0


def test_the_zoom_buttons_halve_double_and_bring_back_the_view(opened):
    page = opened()
    span = "(([a, b]) => b - a)(document.getElementById('plane').layout.yaxis.range)"
    first = page.evaluate(span)
    for name, factor in (("Zoom in", 0.5), ("Zoom out", 1.0), ("Zoom out", 2.0), ("reset", 1.0)):
        page.get_by_role("button", name=name).click()
        assert page.evaluate(span) == pytest.approx(factor * first), name


def test_a_double_click_brings_back_the_view_in_the_unit_shown(opened):
    page = opened()
    view = "document.getElementById('plane').layout.yaxis.range"
    page.get_by_role("button", name="bits", exact=True).click()
    first = page.evaluate(view)
    page.get_by_role("button", name="Zoom in").click()
    page.locator("#plane .nsewdrag").dblclick(position={"x": 150, "y": 60})
    page.wait_for_function(f"Math.abs({view}[1] - {first[1]}) < 1e-6")
    assert page.evaluate(view) == pytest.approx(first)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_never_scrolls_sideways(opened, width):
    page = opened(width)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_caption_is_no_wider_than_what_is_seen_of_its_table(opened):
    page = opened(360)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    page.evaluate("for (const s of document.querySelectorAll('.scroll')) s.scrollLeft = 40")
    outside = """captions => captions.filter(c => {
        const seen = c.closest('.scroll').getBoundingClientRect();
        const own = c.getBoundingClientRect();
        return own.left < seen.left - 1 || own.right > seen.right + 1;
    }).map(c => c.textContent)"""
    assert page.locator("caption").count() > 3
    assert page.eval_on_selector_all("caption", outside) == []


def test_on_paper_nothing_that_is_printed_is_folded_away_and_no_switch_is_left(opened):
    page = opened(718)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator(".toolbar").is_visible()
    assert not page.locator("th", has_text="model_fingerprint").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) <= 4


def test_without_scripts_the_numbers_are_there_and_the_switches_are_not(opened):
    page = opened(java_script_enabled=False)
    assert page.get_by_role("cell", name="★ best").count() == 1
    assert not page.locator(".toolbar").is_visible()
    assert page.locator("#plane").text_content().startswith("The picture of the plane needs")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(opened, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(color_scheme=scheme, bypass_csp=True)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
