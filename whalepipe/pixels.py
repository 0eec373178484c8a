"""Pixels as decoders give them, made what the rest works with: upright, RGB, 8 bits."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

TURNS = {  # by EXIF's orientation
    2: lambda stored: cv2.flip(stored, 1),
    3: lambda stored: cv2.rotate(stored, cv2.ROTATE_180),
    4: lambda stored: cv2.flip(stored, 0),
    5: lambda stored: cv2.transpose(stored),
    6: lambda stored: cv2.rotate(stored, cv2.ROTATE_90_CLOCKWISE),
    7: lambda stored: cv2.flip(cv2.transpose(stored), -1),
    8: lambda stored: cv2.rotate(stored, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def load(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of an opened picture, as stored: (height, width, 3) uint8 RGB. Raises what its decoder raises."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library may have asked to let half photos pass
    image.load()
    return np.asarray(to_rgb(image), dtype=np.uint8)


def to_rgb(image: Image.Image) -> Image.Image:
    """The same picture in RGB, whatever its mode."""
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_8_bit(np.asarray(image))).convert("RGB")
    if image.mode == "P":
        image = image.convert("RGBA")
    return image.convert("RGB")


def _to_8_bit(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey values of 16 bits, 32 bits or floats as 8 bits, by the range that the values need."""
    grey = np.nan_to_num(values.astype(np.float64))
    top = float(grey.max(initial=0.0))
    if values.dtype.itemsize == 2:
        top = 65535.0
    else:
        top = next((limit for limit in (1.0, 255.0, 65535.0) if top <= limit), max(top, 1.0))
    return np.clip(np.round(grey / top * 255), 0, 255).astype(np.uint8)
