from genprobe.comparing.compare import compare
from genprobe.render.page.html import to_html
from genprobe.render.page.label_maps import MARGIN, SIDE, label_maps


def test_the_heat_map_has_the_dimension_that_tells_most_first(make_report, make_label):
    labels = {"kind": make_label(), "site": make_label("site", told=(0.9,))}
    found = label_maps(make_report(labels=labels))
    assert list(found.dimensions) == [0, 1, 2]
    (kind, first), (site, second) = found.rows
    assert (kind, site) == ("kind", "site")
    assert [round(h.share, 3) for h in first] == [0.083, 0.5, 0.25]
    assert second[0].share == 0.75
    assert second[1:] == [None, None]


def test_means_of_classes_lie_to_one_scale_within_the_picture(make_report, make_label):
    [found] = label_maps(make_report(labels={"kind": make_label()})).means
    assert (found.across, found.up) == (1, 2)
    first, second = found.means  # the third has no mean
    assert (first.name, second.name) == ("a", "<b>")
    assert (first.x, second.x) == (MARGIN, SIDE - MARGIN)
    assert second.y - first.y == -(SIDE - 2 * MARGIN) / 2


def test_the_page_shows_labels_and_runs_nothing_of_their_names(make_report, make_label):
    page = to_html(compare([make_report(labels={"kind": make_label("k<i>")})]))
    assert "What the code says of labels" in page
    assert "k&lt;i&gt;" in page
    assert "<b>b" not in page
    assert "&lt;b&gt;" in page
    assert "leaks at least 0.400 nats" in page
    assert '<a href="#labels">Labels</a>' in page
    assert "What the code says of labels" not in to_html(compare([make_report()]))
