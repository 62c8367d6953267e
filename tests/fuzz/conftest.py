"""What the harness changes in its process is as before once its tests are done."""

import pytest

from genprobe.runtime import hdf5
from genprobe.store import format


@pytest.fixture(scope="module", autouse=True)
def _as_before():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(format, "SEGMENT_ROWS", format.SEGMENT_ROWS)
        patch.setattr(hdf5, "_start", hdf5._start)
        patch.setattr(hdf5, "_readers", {})
        yield
        hdf5._stop_all()
