"""How images of any size become squares of one: what is cut off, and how they are scaled.

Pillow's filters widen with the reduction, which is what others call antialiasing: the scale of an
image, and with it FID and every distortion, depends on that (Parmar et al. 2022).
"""

from dataclasses import dataclass

from PIL import Image

from genprobe.errors import DataError

FILTERS = ("bicubic", "bilinear", "lanczos", "box", "nearest")
FORM = (
    "Write FOLDER::64, or FOLDER::256/224 to scale the shorter side and then cut the centre, and "
    f"perhaps /bilinear; filters: {', '.join(FILTERS)}."
)


@dataclass(frozen=True, kw_only=True)
class Square:
    """How an image becomes a square.

    Attributes:
        side: of the square, pixels.
        shorter: what the shorter side is scaled to before the centre is cut; None if the largest
            centred square is cut first, and then scaled.
        filter: of Pillow.
    """

    side: int
    shorter: int | None = None
    filter: str = "bicubic"

    def of(self, image: Image.Image) -> Image.Image:
        """The square of an image; what is cut off does not shine through.

        Example:
            >>> tall = Image.new("RGB", (100, 300))
            >>> Square(side=64).of(tall).size, Square(side=56, shorter=64).of(tall).size
            ((64, 64), (56, 56))
        """
        how = Image.Resampling[self.filter.upper()]
        if self.shorter is None:
            square = centre(image, min(image.size))
            return square if square.width == self.side else square.resize((self.side,) * 2, how)
        # Rounded down, as torchvision has it.
        width, height = (int(self.shorter * length / min(image.size)) for length in image.size)
        size = width, height
        scaled = image if size == image.size else image.resize(size, how)
        return centre(scaled, self.side)

    def enlarges(self, size: tuple[int, int]) -> bool:
        """Whether an image is smaller than what it is scaled to.

        Args:
            size: (width, height).

        Example:
            >>> Square(side=64).enlarges((63, 100)), Square(side=56, shorter=64).enlarges((64, 64))
            (True, False)
        """
        return min(size) < (self.side if self.shorter is None else self.shorter)

    @property
    def name(self) -> str:
        """What was written after ``::``."""
        first = f"{self.side}" if self.shorter is None else f"{self.shorter}/{self.side}"
        return first if self.filter == FILTERS[0] else f"{first}/{self.filter}"

    @property
    def words(self) -> str:
        """What is done, in words."""
        smooth = "not antialiased" if self.filter == "nearest" else "antialiased"
        scaled = f"{self.filter} of Pillow, {smooth}"
        if self.shorter is None:
            return f"largest centred square, scaled to {self.side} × {self.side} ({scaled})"
        return (
            f"shorter side scaled to {self.shorter} ({scaled}), then the centre {self.side} × "
            f"{self.side}"
        )


def centre(image: Image.Image, side: int) -> Image.Image:
    """The centred square of an image.

    Example:
        >>> centre(Image.new("L", (10, 7)), 4).size
        (4, 4)
    """
    left, top = (round((length - side) / 2) for length in image.size)
    return image.crop((left, top, left + side, top + side))


def square_of(text: str) -> Square:
    """How images become squares, as it is written after ``::``.

    Args:
        text: ``SIDE``, ``SHORTER/SIDE``, and perhaps ``/FILTER``.

    Raises:
        DataError: if it is none of these.

    Example:
        >>> square_of("256/224/bilinear")
        Square(side=224, shorter=256, filter='bilinear')
    """
    parts = text.split("/")
    filter = parts.pop() if parts[-1] in FILTERS else FILTERS[0]
    if not (len(parts) in (1, 2) and all(part.isdecimal() and int(part) for part in parts)):
        raise DataError(f"The size of images is a number of pixels, not {text!r}.", FORM)
    side, shorter = int(parts[-1]), int(parts[0]) if len(parts) == 2 else None
    if shorter is not None and shorter < side:
        raise DataError(
            f"A centre of {side} pixels cannot be cut from images whose shorter side is {shorter}.",
            FORM,
        )
    return Square(side=side, shorter=shorter, filter=filter)
