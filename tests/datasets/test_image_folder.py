import os
import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import genprobe
from genprobe import open_dataset
from genprobe.datasets.image_folder import image_folder
from genprobe.errors import DataError


def shapes(n, side, seed=0):
    """Coloured images of blocks, bytes (n, side, side, 3)."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def write_images(folder, pixels):
    """One PNG an image; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{i:04}.png")
    return folder


def as_tensor(pixels):
    """Bytes (n, height, width, 3) as genprobe reads them: (n, 3, height, width) in [0, 1]."""
    return torch.from_numpy(pixels).movedim(-1, 1).contiguous() / 255


@pytest.fixture
def data(tmp_path):
    return write_images(tmp_path / "data", shapes(5, 12))


@pytest.mark.parametrize("scheme", ["images:", ""])
def test_pixels_are_the_bytes_over_255(scheme, data):
    found = open_dataset(f"{scheme}{data}")
    assert (found.name, found.n, found.event_shape) == ("data", 5, torch.Size([3, 12, 12]))
    assert torch.equal(found.read(0, 5), as_tensor(shapes(5, 12)))
    assert torch.equal(found.read(1, 3), as_tensor(shapes(5, 12))[1:3])


def test_grey_images_have_one_channel(tmp_path):
    grey = shapes(3, 8)[..., 0]
    found = open_dataset(f"images:{write_images(tmp_path / 'grey', grey)}")
    assert torch.equal(found.read(0, 3), torch.from_numpy(grey)[:, None] / 255)


def test_one_coloured_image_makes_all_colour(data):
    Image.fromarray(shapes(1, 12)[0, ..., 0]).save(data / "z.png")
    found = open_dataset(f"images:{data}").read(5, 6)
    assert found.shape == (1, 3, 12, 12)
    assert torch.equal(found[0, 0], found[0, 2])


def test_jpeg_is_read_as_pillow_decodes_it(tmp_path):
    Image.fromarray(shapes(1, 16)[0]).save(tmp_path / "a.JPG", "JPEG")
    with Image.open(tmp_path / "a.JPG") as image:
        truth = np.array(image)
    assert torch.equal(open_dataset(f"images:{tmp_path}").read(0, 1), as_tensor(truth[None]))


def test_subfolders_in_the_order_of_paths_and_splits(data):
    write_images(data / "test", shapes(2, 12, seed=1))
    everything = open_dataset(f"images:{data}")
    assert everything.n == 7
    assert torch.equal(everything.read(5, 7), as_tensor(shapes(2, 12, seed=1)))
    split = open_dataset(f"images:{data}", split="test")
    assert (split.name, split.n) == ("data-test", 2)


def test_hidden_files_are_passed_over(data):
    (data / ".DS_Store").write_bytes(b"x")
    (data / ".cache").mkdir()
    (data / ".cache" / "y.txt").write_text("y")
    assert open_dataset(f"images:{data}").n == 5


def test_the_centre_is_scaled_where_a_size_is_given(tmp_path):
    image = np.zeros((8, 20, 3), np.uint8)
    image[:, 6:14] = 200  # the centred square; what is beside it is cut off
    write_images(tmp_path, image[None])
    Image.fromarray(shapes(1, 9)[0]).save(tmp_path / "other.png")
    found = open_dataset(f"images:{tmp_path}::4")
    assert found.event_shape == (3, 4, 4)
    assert found.name.endswith("::4")
    assert torch.equal(found.read(0, 1), torch.full((1, 3, 4, 4), 200.0) / 255)


def test_the_fingerprint_is_of_the_content(data, tmp_path):
    before = open_dataset(f"images:{data}").fingerprint
    copied = write_images(tmp_path / "copy", shapes(5, 12))
    assert open_dataset(f"images:{copied}").fingerprint == before
    assert open_dataset(f"images:{data}::6").fingerprint != before
    changed = shapes(5, 12)
    changed[3, 2, 2] ^= 1
    write_images(data, changed)
    assert open_dataset(f"images:{data}").fingerprint != before


def test_what_stays_in_memory_is_not_the_pixels(tmp_path):
    folder = write_images(tmp_path / "large", np.zeros((40, 256, 256, 3), np.uint8))
    tracemalloc.start()
    try:
        open_dataset(f"images:{folder}")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * 256 * 256 * 3 / 2


def test_a_folder_without_images_is_not_claimed(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    assert not image_folder.recognises(tmp_path)
    assert not image_folder.recognises(tmp_path / "missing")


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_channel_that_is_opaque_is_left_out_and_said(mode, data, tmp_path):
    folder = tmp_path / mode
    folder.mkdir()
    for path in sorted(data.iterdir()):
        with Image.open(path) as image:
            image.convert("L" if mode == "LA" else "RGB").convert(mode).save(folder / path.name)
    found = open_dataset(f"images:{folder}").read(0, 5)
    truth = [
        np.asarray(Image.open(p).convert("L" if mode == "LA" else "RGB"))
        for p in sorted(data.iterdir())
    ]
    bytes_of = torch.from_numpy(np.stack(truth))
    wanted = bytes_of[:, None] if mode == "LA" else bytes_of.movedim(-1, 1)
    assert torch.equal(found, wanted / 255)
    said = open_dataset(f"images:{folder}").preparation
    assert said == "as they are; 5 with an opaque alpha channel, left out"


def test_a_colour_key_that_no_pixel_has_is_opaque(data):
    Image.new("RGB", (12, 12), (9, 9, 9)).save(data / "key.png", transparency=(1, 2, 3))
    assert open_dataset(f"images:{data}").n == 6


def half_clear(folder):
    image = Image.new("RGBA", (12, 12), (9, 9, 9, 255))
    image.putpixel((3, 4), (9, 9, 9, 254))
    image.save(folder / "bad.png")


def transparent(folder):
    Image.new("RGBA", (12, 12)).save(folder / "bad.png")


def keyed(folder):
    Image.new("RGB", (12, 12)).save(folder / "bad.png", transparency=(0, 0, 0))


def deep(folder):
    Image.new("I;16", (12, 12)).save(folder / "bad.png")


def inks(folder):
    Image.new("CMYK", (12, 12)).save(folder / "bad.jpg")


def text(folder):
    (folder / "bad.png").write_text("not an image")


def another_format(folder):
    Image.new("RGB", (12, 12)).save(folder / "bad.png", "GIF")


def label(folder):
    (folder / "bad.csv").write_text("1,2")


def larger(folder):
    Image.new("RGB", (14, 12)).save(folder / "bad.png")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (transparent, "bad.png has transparency"),
        (half_clear, "bad.png has transparency"),
        (keyed, "bad.png has transparency"),
        (deep, "bad.png has the mode I;16"),
        (inks, "bad.jpg has the mode CMYK"),
        (text, "bad.png does not read as an image"),
        (another_format, "bad.png does not read as an image"),
        (label, "bad.csv is not a PNG or JPEG image"),
        (larger, r"12 × 12 pixels, .*bad.png 14 × 12"),
    ],
)
def test_a_file_that_does_not_belong_is_named(spoil, message, data):
    spoil(data)
    with pytest.raises(DataError, match=message):
        open_dataset(f"images:{data}")


def test_a_pipe_among_images_is_told_at_once(data):
    os.mkfifo(data / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png is a named pipe"):
        open_dataset(f"images:{data}")


def test_an_image_cut_short_is_named_when_it_is_read(data):
    path = data / "0002.png"
    path.write_bytes(path.read_bytes()[:-30])
    found = open_dataset(f"images:{data}")
    assert found.read(0, 2).shape == (2, 3, 12, 12)
    with pytest.raises(DataError, match=r"0002.png does not read as an image"):
        found.read(2, 3)


def test_an_image_that_changes_size_while_it_is_read_is_named(data):
    found = open_dataset(f"images:{data}")
    larger(data)
    (data / "bad.png").replace(data / "0001.png")
    with pytest.raises(DataError, match=r"0001\.png has changed"):
        found.read(0, 2)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{}/missing", "no folder of images"),
        ("{}::0", "not '0'"),
        ("{}::big", "not 'big'"),
        ("{}::8/4/2", "not '8/4/2'"),
        ("{}::8/sinc", "not '8/sinc'"),
        ("{}::4/8", "A centre of 8 pixels"),
    ],
)
def test_a_wrong_name_is_refused(spec, message, data):
    with pytest.raises(DataError, match=message):
        open_dataset(f"images:{spec.format(data)}")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no PNG or JPEG"):
        open_dataset(f"images:{tmp_path}")


def sized(folder, sizes):
    """Images of many sizes, (width, height); the folder."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for i, (width, height) in enumerate(sizes):
        pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


SIZES = [(40, 30), (30, 41), (64, 64), (16, 90), (12, 12)]


def test_the_shorter_side_is_scaled_and_then_the_centre_cut(tmp_path):
    """As ImageNet is cut: torchvision's Resize(20) and CenterCrop(16), written out."""
    folder = sized(tmp_path / "mixed", SIZES)
    found = open_dataset(f"images:{folder}::20/16/bilinear")
    assert found.name == "mixed::20/16/bilinear"
    for i, (width, height) in enumerate(SIZES):
        short = min(width, height)
        size = int(20 * width / short), int(20 * height / short)
        with Image.open(folder / f"{i}.png") as image:
            scaled = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
        top, left = round((size[1] - 16) / 2), round((size[0] - 16) / 2)
        wanted = scaled[None, top : top + 16, left : left + 16]
        assert torch.equal(found.read(i, i + 1), as_tensor(np.ascontiguousarray(wanted)))


def test_what_was_done_is_said_and_part_of_what_the_data_are(tmp_path, caplog):
    folder = sized(tmp_path / "mixed", SIZES)
    Image.new("L", (30, 20), 9).save(folder / "grey.png")
    caplog.set_level("INFO", "genprobe")
    square = open_dataset(f"images:{folder}::16")
    assert square.preparation == (
        "largest centred square, scaled to 16 × 16 (bicubic of Pillow, antialiased); 1 of 6 "
        "enlarged; 1 grey, repeated in three channels"
    )
    assert square.preparation in caplog.text
    shorter = open_dataset(f"images:{folder}::16/16/nearest")
    assert shorter.preparation.startswith(
        "shorter side scaled to 16 (nearest of Pillow, not antialiased), then the centre 16 × 16"
    )
    other = open_dataset(f"images:{folder}::16/bilinear")
    assert len({square.fingerprint, shorter.fingerprint, other.fingerprint}) == 3


def test_a_report_says_how_images_were_cut_and_scaled(tmp_path):
    folder = sized(tmp_path / "mixed", SIZES)
    model = genprobe.Model(
        name="means",
        encode=lambda x: {"loc": x.mean((2, 3)), "scale": torch.ones(len(x), 3)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    report = genprobe.evaluate(model, f"images:{folder}::16", device="cpu", limit=4)
    said = "largest centred square, scaled to 16 × 16 (bicubic of Pillow, antialiased)"
    said = f"{said}; 1 of 5 enlarged"
    assert report.provenance["preparation"] == said
    assert said in " ".join(report.details().split())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_images_are_upright_as_exif_has_them(orientation, kind, tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / f"a.{kind}", exif=exif)
    with Image.open(tmp_path / f"a.{kind}") as image:
        upright = np.array(ImageOps.exif_transpose(image))
    found = open_dataset(f"images:{tmp_path}")
    assert found.event_shape == ((3, 16, 8) if orientation > 4 else (3, 8, 16))
    assert torch.equal(found.read(0, 1), as_tensor(upright[None]))
    assert ("1 turned upright by EXIF" in found.preparation) is (orientation > 1)


def test_palettes_and_black_and_white_are_read_as_their_colours(tmp_path):
    pixels = np.zeros((6, 6, 3), np.uint8)
    pixels[:, :3] = 200, 100, 0
    Image.fromarray(pixels).quantize(4).save(tmp_path / "p.png")
    Image.fromarray(pixels[..., 0] > 0).save(tmp_path / "q.png")
    found = open_dataset(f"images:{tmp_path}").read(0, 2)
    assert torch.equal(found[0], as_tensor(pixels[None])[0])
    assert found[1].unique().tolist() == [0.0, 1.0]
    assert torch.equal(found[1, 0], found[1, 2])


def test_images_smaller_than_the_square_are_said_to_be_enlarged(tmp_path):
    for name, side in (("a", 8), ("b", 16), ("c", 32)):
        Image.fromarray(np.zeros((side, 40), np.uint8)).save(tmp_path / f"{name}.png")
    said = {size: open_dataset(f"images:{tmp_path}::{size}").preparation for size in ("16", "24/8")}
    assert "; 1 of 3 enlarged" in said["16"]
    assert "; 2 of 3 enlarged" in said["24/8"]
    assert "enlarged" not in open_dataset(f"images:{tmp_path}::8").preparation


def test_a_folder_is_found_where_the_data_are(data, monkeypatch, tmp_path):
    monkeypatch.setenv("GENPROBE_DATA_DIR", str(data.parent))
    monkeypatch.chdir("/")
    assert open_dataset("images:data").n == 5
