"""Real Chromium, without the network; where it or its driver is missing nothing is collected."""

import importlib.util
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = [
    name
    for name, there in {
        "chromium": CHROMIUM,
        "playwright": importlib.util.find_spec("playwright"),
        "axe-playwright-python": importlib.util.find_spec("axe_playwright_python"),
    }.items()
    if there is None
]
collect_ignore_glob = ["test_*.py"] if MISSING else []

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_report_header():
    return f"tests/browser needs {' and '.join(MISSING)}: not collected" if MISSING else None


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def reports():
    """Two models of the demo with their pictures, one of them under a hostile name."""
    import dataclasses
    from importlib.resources import files

    import genprobe
    from genprobe.demo import BUNDLES

    made = [
        genprobe.evaluate(files("genprobe.demo") / f"{name}.pt", draws=2, pictures=True)
        for name in ("beta-6", "beta-0.9")
    ]
    assert {report.model for report in made} <= BUNDLES.keys()
    hostile = "<img src=x onerror=alert(1)></script><a href='http://example.org'>%{x}"
    return [made[0], dataclasses.replace(made[1], model=hostile)]


@pytest.fixture(scope="session")
def path(reports, tmp_path_factory):
    from genprobe.comparing.compare import compare
    from genprobe.render.page.html import to_html

    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(to_html(compare(reports)), encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium, path):
    """Open the page; afterwards nothing may have gone wrong and nothing may have left it."""
    contexts, faults, requests = [], [], []

    def watch(page):
        page.on("console", lambda m: faults.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))

    def open_page(width=1280, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        watch(page)
        page.goto(path.as_uri())
        page.wait_for_selector("#plane .main-svg, #plane noscript", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
    assert {url for url in requests if not url.startswith(("data:", "blob:"))} == {path.as_uri()}
