from genprobe.plugins import plugins


def test_its_parts_are_registered():
    assert {"scvi", "minified"} <= plugins().all("loaders").keys()
    assert "anndata" in plugins().all("datasets")
