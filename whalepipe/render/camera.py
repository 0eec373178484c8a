"""What the camera does to the light: focus, exposure, colour, noise, JPEG."""

import cv2
import numpy as np

from .settings import Camera
from .texture import Array, draw_lines


def expose(image: Array, camera: Camera, sharp_row: float, rng: np.random.Generator) -> Array:
    """Return the photo (height, width, 3) uint8 of a picture in float32, 0..1, RGB; `sharp_row` is in focus."""
    image = _focus(image, camera, sharp_row)
    image = _colour(image, camera)
    image = _develop(image, camera, rng)
    return _compress(image, camera.jpeg)


def _gauss(image: Array, sigma: float) -> Array:
    """Blur; wide blurs are done on a smaller picture, which looks the same and takes a fraction of the time."""
    if sigma <= 3:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma))
    shrink = 2.0 if sigma <= 7 else 4.0
    size = (image.shape[1], image.shape[0])
    small = cv2.resize(
        image, (max(1, int(size[0] / shrink)), max(1, int(size[1] / shrink))), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / shrink), size, interpolation=cv2.INTER_CUBIC))


def _focus(image: Array, camera: Camera, sharp_row: float) -> Array:
    if camera.defocus > 0.3:
        rows = np.arange(image.shape[0], dtype=np.float32)[:, None, None]
        far = np.clip((np.abs(rows - sharp_row) / image.shape[0] - 0.12) / 0.35, 0, 1)
        image = image + (_gauss(image, camera.defocus) - image) * far
    if camera.motion >= 1:
        image = np.asarray(cv2.filter2D(image, -1, _streak(camera.motion, camera.motion_angle)))
    return _gauss(image, camera.blur) if camera.blur > 0.2 else image


def _streak(length: float, angle: float) -> Array:
    """Return the kernel of a camera that moved `length` pixels while the shutter was open."""
    size = int(length) | 1
    step = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * (size / 2 - 0.6)
    middle = np.array([size // 2, size // 2])
    kernel = draw_lines((size, size), [np.stack([middle - step, middle + step])], [1], [1.0])
    return np.asarray(kernel / kernel.sum())


def _colour(image: Array, camera: Camera) -> Array:
    gains = np.array([1 + camera.warmth, 1.0, 1 - camera.warmth], np.float32)
    image = np.clip(image, 0.0, None) * gains * np.float32(camera.exposure)
    if camera.glare > 0:
        # Light scattered in the lens: a veil, and bright things bleed into their surroundings.
        bleed = _gauss(np.clip(image - 0.7, 0, 2), 24.0)
        image = image * (1 - 0.45 * camera.glare) + camera.glare * (0.45 + bleed)
    grey = image @ np.array([0.3, 0.59, 0.11], np.float32)
    image = grey[..., None] + (image - grey[..., None]) * np.float32(camera.saturation)
    image = 0.42 + (image - 0.42) * np.float32(camera.contrast)
    return np.where(image > 0.8, 0.8 + 0.2 * np.tanh((image - 0.8) / 0.2), image).astype(np.float32)


def _develop(image: Array, camera: Camera, rng: np.random.Generator) -> Array:
    height, width = image.shape[:2]
    if camera.vignette > 0:
        x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
        image = image * (1 - camera.vignette * (x[None, :] ** 2 + y[:, None] ** 2))[..., None]
    grain = rng.standard_normal((height, width), dtype=np.float32)
    tint = rng.standard_normal((height // 2 + 1, width // 2 + 1, 3), dtype=np.float32)
    image = image + np.float32(camera.noise) * (grain[..., None] + 0.6 * cv2.resize(tint, (width, height)))
    if camera.sharpen > 0:
        image = image + np.float32(camera.sharpen) * (image - _gauss(image, 1.2))
    return np.asarray(np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8))


def _compress(image: Array, quality: int) -> Array:
    coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1])
