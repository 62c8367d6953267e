import json
import math
from dataclasses import replace

import pytest

from genprobe.errors import StoreError
from genprobe.store.format import (
    IDENTITY,
    SEGMENT_ROWS,
    SEGMENT_VALUES,
    dump_header,
    load_header,
    require_same,
    segment_rows,
)


def edited(header, **changes):
    return json.dumps({**json.loads(dump_header(header)), **changes})


def test_a_header_comes_back_as_it_was(header):
    assert load_header(dump_header(header), "s.h5") == header


@pytest.mark.parametrize(
    ("n", "segment", "spans"),
    [
        (10, 4, [(0, 4), (4, 8), (8, 10)]),
        (8, 4, [(0, 4), (4, 8)]),
        (3, 4, [(0, 3)]),
        (1, 1, [(0, 1)]),
    ],
)
def test_segments_cover_every_example_once(header, n, segment, spans):
    header = replace(header, n=n, segment=segment)
    assert [header.span(i) for i in range(header.segments)] == spans


@pytest.mark.parametrize("event", [(), (1,), (784,), (3, 64, 64), (3, 512, 512)])
@pytest.mark.parametrize("latent", [(1,), (4, 64, 64)])
def test_a_segment_is_bounded_in_values_and_in_rows(event, latent):
    rows = segment_rows(event, latent)
    widest = max(math.prod(event), math.prod(latent))
    assert 16 <= rows <= SEGMENT_ROWS
    assert rows * widest <= max(SEGMENT_VALUES, 16 * widest)
    assert rows in (16, SEGMENT_ROWS) or (rows + 1) * widest > SEGMENT_VALUES


def test_the_same_run_may_share_a_store(header):
    require_same(header, replace(header, model="renamed", genprobe="0.0"), "s.h5")


@pytest.mark.parametrize("name", IDENTITY)
def test_any_other_run_may_not_and_is_told_the_difference(header, name):
    value = getattr(header, name)
    other = replace(header, **{name: value + 1 if isinstance(value, int) else f"{value}!"})
    with pytest.raises(StoreError, match=r"s\.h5 is of another(?s:.*)--store.*--fresh") as told:
        require_same(other, header, "s.h5")
    assert IDENTITY[name] in told.value.what
    assert len(str(told.value).splitlines()) == 2


def test_another_model_is_told_by_name_where_names_differ(header):
    other = replace(header, model="theirs", model_fingerprint="x")
    with pytest.raises(StoreError, match="'theirs', not 'mine'"):
        require_same(other, header, "s.h5")
    with pytest.raises(StoreError, match="same name, other content"):
        require_same(replace(header, model_fingerprint="x"), header, "s.h5")


def test_a_newer_version_is_told_even_with_unknown_fields(header):
    with pytest.raises(StoreError, match=r"s\.h5 has version 3; .* up to 2\.\nUpgrade"):
        load_header(edited(header, version=3, colour="red"), "s.h5")


@pytest.mark.parametrize(
    "text", ["", "text", "[]", "3", "{}", b"\xff\xfe", '{"format": "genprobe.store", "version": 1}']
)
def test_what_is_no_header_is_told(text):
    with pytest.raises(StoreError, match=r"s\.h5 is not a genprobe store"):
        load_header(text, "s.h5")


@pytest.mark.parametrize(
    "changes", [{"format": "zarr"}, {"extra": 1}, {"version": "one"}, {"event_shape": 3}]
)
def test_another_header_is_told(header, changes):
    with pytest.raises(StoreError, match=r"s\.h5 is not a genprobe store"):
        load_header(edited(header, **changes), "s.h5")
