"""What the camera does to the light: focus, exposure, colour, noise, JPEG."""

from dataclasses import replace

import cv2
import numpy as np

from .settings import Camera
from .texture import Array, draw_lines, gauss, supply

WHITE = 1.5  # times as bright as white: what is brighter clips, as on a sensor
KNEE = 0.8  # from here highlights roll off: as raw converters do, they keep what differences there are
STRIP = 16  # rows worked on at a time: they stay in the processor's cache
CHROMA = 3  # pixels a blob of colour noise
PIVOT = 0.45  # the brightness that contrast leaves alone


def metered(image: Array, camera: Camera) -> Camera:
    """Return the camera with the exposure and contrast it chooses for a picture by itself: middle grey, some white.

    Of twelve real photos of fins half have a median brightness above 0.51, and half a 99th percentile above 0.87.
    """
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(image[4::9, 4::9]), cv2.COLOR_RGB2GRAY))
    middle, bright = (float(v) for v in np.percentile(grey, (50, 98.5)))
    gain = float(np.clip((0.53 / max(middle, 1e-3)) ** 0.9, 0.5, 2.2)) * camera.exposure
    wanted = (0.86 - PIVOT) / max(gain * bright - PIVOT, 0.1)
    return replace(camera, exposure=gain, contrast=camera.contrast * float(np.clip(wanted, 0.85, 1.9)) ** 0.85)


def expose(image: Array, camera: Camera, rng: np.random.Generator) -> Array:
    """Return the photo (height, width, 3) uint8 of a picture in float32, 0..1, RGB.

    Focus is no part of it: `soften` has blurred what lies nearer and farther than the animals.
    """
    coded = _shake(_sensed(image, camera), camera)
    coded = np.asarray(cv2.LUT(cv2.transform(coded, _mixture(camera)), _curve(camera)))
    _grain(coded, camera, rng)
    if camera.sharpen > 0:
        blurred = gauss(coded, 1.2)
        cv2.addWeighted(coded, 1 + camera.sharpen, blurred, -camera.sharpen, 0, dst=coded)
    return _compress(_fringe(coded, camera.aberration), camera)


def soften(image: Array, camera: Camera) -> None:
    """Blur the picture in place as a lens does, all but the water at the distance of focus.

    The blur of a point grows as |1 / distance - 1 / focus|, and a row's distance below the horizon is as
    1 / distance: on level water the blur grows evenly with the rows between.
    """
    depth = camera.focal * camera.height / camera.focus
    below = np.maximum(np.arange(image.shape[0], dtype=np.float32) - camera.horizon, 0)
    blur = (camera.defocus * np.abs(below / depth - 1)).astype(np.float32)
    most = float(blur.max())
    if most < 0.7:
        return
    # Two blurs, blended, look like one that grows; a small one needs no second.
    part = 0.4 * most if most > 2 else most
    steps = [part] if part == most else [part, most]
    first = [0.0, part]
    for low, high in zip(first, steps, strict=False):
        share = np.clip((blur - low) / (high - low), 0, 1)
        # What is sharp stays as it is, and what a wider blur covers needs no narrower one.
        for top, bottom in _runs((share > 0.02) & ~((blur >= most * 0.999) & (high < most))):
            reach = int(3 * high) + 8
            above, under = max(0, top - reach), min(len(image), bottom + reach)
            soft = gauss(image[above:under], high)[top - above : bottom - above]
            for row in range(top, bottom, STRIP):
                here, there = image[row : min(row + STRIP, bottom)], soft[row - top : row - top + STRIP]
                there -= here
                there *= share[row : row + len(here), None, None]
                here += there


def _runs(wanted: Array) -> list[tuple[int, int]]:
    """Return first and last (excluded) row of each run of rows that are wanted (height,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.astype(np.int8), [0]])))
    return [(int(top), int(bottom)) for top, bottom in edges.reshape(-1, 2)]


def _shake(image: Array, camera: Camera) -> Array:
    if camera.motion >= 1:
        image = np.asarray(cv2.filter2D(image, -1, _streak(camera.motion, camera.motion_angle)))
    return gauss(image, camera.blur) if camera.blur > 0.2 else image


def _fringe(image: Array, pixels: float) -> Array:
    """Return the picture (blue, green, red) with red drawn larger, by so many pixels in the corners.

    That is lateral chromatic aberration.
    """
    if pixels < 0.1:
        return image
    height, width = image.shape[:2]
    zoom = 1 + 2 * pixels / float(np.hypot(height, width))
    step = np.array([[zoom, 0, (1 - zoom) * width / 2], [0, zoom, (1 - zoom) * height / 2]])
    red = cv2.warpAffine(cv2.extractChannel(image, 2), step, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.insertChannel(red, image, 2))


def _streak(length: float, angle: float) -> Array:
    """Return the kernel of a camera that moved `length` pixels while the shutter was open."""
    size = int(length) | 1
    step = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * (size / 2 - 0.6)
    middle = np.array([size // 2, size // 2])
    kernel = draw_lines((size, size), [np.stack([middle - step, middle + step])], [1], [1.0])
    return np.asarray(kernel / kernel.sum())


def _sensed(image: Array, camera: Camera) -> Array:
    """Return the light as bytes, WHITE times white as 255: dimmed in the corners, spread by the lens."""
    height, width = image.shape[:2]
    scale = 255 / WHITE * camera.exposure * (1 - 0.45 * camera.glare)
    coded = np.empty((height, width, 3), np.uint8)
    bytes_, light = coded.reshape(height, -1), image.reshape(height, -1)
    down = 1 - np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2 * np.float32(camera.vignette)
    across = 1 - np.repeat(np.linspace(-1, 1, width, dtype=np.float32) ** 2, 3)[None] * np.float32(camera.vignette)
    for top in range(0, height, STRIP):
        rows = slice(top, min(top + STRIP, height))
        strip = light[rows]
        if camera.vignette > 0:
            strip = strip * across
            strip *= down[rows]
        cv2.convertScaleAbs(strip, dst=bytes_[rows], alpha=scale)
    if camera.glare > 0:
        spread = cv2.convertScaleAbs(_bleed(image, camera), alpha=255 / WHITE)
        cv2.add(coded, cv2.resize(spread, (width, height)), dst=coded)
    return coded


def _mixture(camera: Camera) -> Array:
    """Return the matrix (3, 3) of white balance and saturation, from red, green, blue to blue, green, red."""
    gains = np.diag([1 + camera.warmth, 1.0, 1 - camera.warmth])
    grey = np.array([[0.3, 0.59, 0.11]] * 3)
    return np.asarray(((grey + (np.eye(3) - grey) * camera.saturation) @ gains)[::-1])


def _curve(camera: Camera) -> Array:
    """Return the photo's bytes (256,) for those of the sensor: contrast, veil, a toe and a shoulder."""
    seen = np.arange(256) * (WHITE / 255)
    # Cameras lift the shadows, so that only what is bright gets all of the contrast.
    slope = np.where(seen > PIVOT, camera.contrast, camera.contrast**0.3)
    seen = PIVOT + (seen - PIVOT) * slope + 0.45 * camera.glare * camera.contrast
    # Shadows and highlights roll off instead of clipping: v - v / (1 + v / c) = v^2 / (c + v) is lost of v.
    for end, knee, room in ((1, KNEE, 1.03 - KNEE), (-1, -0.16, 0.16)):
        over = np.maximum(end * seen - knee, 0)
        seen = seen - end * over * over / (room + over)
    return np.asarray(np.clip(seen * 255 + 0.5, 0, 255).astype(np.uint8))


def _grain(coded: Array, camera: Camera, rng: np.random.Generator) -> None:
    """Add noise to a photo (in place): of a few strips, in an order of their own."""
    height, width = coded.shape[:2]
    starts = rng.integers(1 << 30, size=height // STRIP + 1).tolist()
    noise = _noise(camera, width, int(rng.integers(1 << 30)))
    # Bytes have no sign: what is added, and what is taken away.
    more, less = (cv2.convertScaleAbs(np.maximum(side * noise, 0), alpha=255) for side in (1, -1))
    flat = coded.reshape(height, -1)
    for start, top in zip(starts, range(0, height, STRIP), strict=False):
        strip = flat[top : top + STRIP]
        first = start % (len(noise) - STRIP + 1)
        cv2.add(strip, more[first : first + len(strip)], dst=strip)
        cv2.subtract(strip, less[first : first + len(strip)], dst=strip)


def _bleed(image: Array, camera: Camera) -> Array:
    """Return the light (an eighth of height and width, 3) scattered in the lens: bright things bleed into dark ones."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    over = np.clip(small * np.float32(camera.exposure) - np.float32(0.7), 0, 2) * np.float32(camera.glare)
    return np.asarray(cv2.GaussianBlur(over, (0, 0), 3.0))


def _noise(camera: Camera, width: int, start: int) -> Array:
    """Return noise for a few strips (rows, 3 * width): fine in brightness, coarser in colour."""
    rows = 6 * STRIP
    tint = supply((rows // CHROMA, width // CHROMA + 1, 3), start) * np.float32(1.6 * camera.chroma)
    tint = np.asarray(cv2.resize(tint, (width, rows)))
    fine = supply((rows, width), start * 7919) * np.float32(camera.noise)
    tint += cv2.merge((fine, fine, fine))
    return tint.reshape(rows, -1)


def _compress(image: Array, camera: Camera) -> Array:
    """Return the photo of a picture in blue, green, red after JPEG, in red, green, blue."""
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if camera.subsampled else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = [cv2.IMWRITE_JPEG_QUALITY, camera.jpeg, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, options)[1], cv2.IMREAD_COLOR_RGB))
