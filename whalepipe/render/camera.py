"""What the camera does to the light: focus, exposure, colour, noise, JPEG."""

import cv2
import numpy as np

from .settings import Camera
from .texture import Array, draw_lines, gauss, supply

KNEE = 0.78  # from here highlights roll off, white at 3.4: as raw converters do, they keep two stops of differences
STRIP = 16  # rows worked on at a time: they stay in the processor's cache
CHROMA = 3  # pixels a blob of colour noise


def metered(image: Array) -> float:
    """Return the factor by which an automatic exposure brightens a picture: most of the way to a middle grey.

    The means of 72 real photos of fins lie between 0.42 and 0.66, those of half of them between 0.50 and 0.56.
    """
    mean = float(image[::8, ::8].clip(0, 1).mean())
    return float(np.clip((0.5 / max(mean, 1e-3)) ** 0.85, 0.55, 2.0))


def expose(image: Array, camera: Camera, rng: np.random.Generator) -> Array:
    """Return the photo (height, width, 3) uint8 of a picture in float32, 0..1, RGB.

    Focus is no part of it: `soften` has blurred what lies nearer and farther than the animals.
    """
    coded = _developed(_shake(image, camera), camera, rng)
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
    """Return the picture with red drawn larger, by so many pixels in the corners: lateral chromatic aberration."""
    if pixels < 0.1:
        return image
    height, width = image.shape[:2]
    zoom = 1 + 2 * pixels / float(np.hypot(height, width))
    step = np.array([[zoom, 0, (1 - zoom) * width / 2], [0, zoom, (1 - zoom) * height / 2]])
    red = cv2.warpAffine(cv2.extractChannel(image, 0), step, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.insertChannel(red, image, 0))


def _streak(length: float, angle: float) -> Array:
    """Return the kernel of a camera that moved `length` pixels while the shutter was open."""
    size = int(length) | 1
    step = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * (size / 2 - 0.6)
    middle = np.array([size // 2, size // 2])
    kernel = draw_lines((size, size), [np.stack([middle - step, middle + step])], [1], [1.0])
    return np.asarray(kernel / kernel.sum())


def _developed(image: Array, camera: Camera, rng: np.random.Generator) -> Array:
    """Return the picture as bytes: white balance, exposure, veil, saturation, contrast, highlights, corners, noise."""
    height, width = image.shape[:2]
    keep = camera.exposure * (1 - 0.45 * camera.glare)
    gains = np.diag([1 + camera.warmth, 1.0, 1 - camera.warmth]) * keep
    grey = np.array([[0.3, 0.59, 0.11]] * 3)
    vivid = (grey + (np.eye(3) - grey) * camera.saturation) * camera.contrast
    offset = 0.42 * (1 - camera.contrast) + 0.45 * camera.glare * camera.contrast
    linear = np.column_stack([vivid @ gains, np.full(3, offset)]).astype(np.float32)
    bleed = _bleed(image, camera) if camera.glare > 0 else None
    dark = np.linspace(-1, 1, height, dtype=np.float32) ** 2 * np.float32(camera.vignette)
    edge = np.repeat(np.linspace(-1, 1, width, dtype=np.float32) ** 2, 3)[None] * np.float32(camera.vignette)
    coded, starts = np.empty((height, width, 3), np.uint8), rng.integers(1 << 30, size=height // STRIP + 1)
    noise = _noise(camera, width, int(rng.integers(1 << 30)))
    for number, top in enumerate(range(0, height, STRIP)):
        rows = slice(top, min(top + STRIP, height))
        seen = cv2.transform(image[rows], linear)
        if bleed is not None:
            seen += cv2.resize(bleed[rows], (width, rows.stop - top))
        flat = seen.reshape(len(seen), -1)
        _roll_off(flat)
        if camera.vignette > 0:
            flat *= (1 - dark[rows, None]) - edge
        first = int(starts[number]) % (len(noise) - STRIP + 1)
        cv2.add(flat, noise[first : first + len(flat)], dst=flat)
        np.maximum(flat, 0, out=flat)
        cv2.convertScaleAbs(flat, dst=coded[rows].reshape(len(flat), -1), alpha=255)
    return coded


def _bleed(image: Array, camera: Camera) -> Array:
    """Return the light scattered in the lens, with which bright things bleed into their surroundings.

    (height, an eighth of the width, 3): it changes slowly.
    """
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    over = np.clip(small * np.float32(camera.exposure) - np.float32(0.7), 0, 2) * np.float32(camera.glare)
    return np.asarray(cv2.resize(cv2.GaussianBlur(over, (0, 0), 3.0), (small.shape[1], height)))


def _roll_off(flat: Array) -> None:
    """Roll off what is brighter than KNEE, in place."""
    if float(flat.max()) <= KNEE:
        return
    over = np.maximum(flat - np.float32(KNEE), 0)
    # What is over the knee, less what the shoulder leaves of it: v - v / (1 + v / c) = v^2 / (c + v).
    below = over + np.float32(1.02 - KNEE)
    over *= over
    over /= below
    flat -= over


def _noise(camera: Camera, width: int, start: int) -> Array:
    """Return noise for a few strips (rows, 3 * width): fine in brightness, coarser in colour."""
    rows = 6 * STRIP
    tint = supply((rows // CHROMA, width // CHROMA + 1, 3), start) * np.float32(1.6 * camera.chroma)
    tint = np.asarray(cv2.resize(tint, (width, rows)))
    fine = supply((rows, width), start * 7919) * np.float32(camera.noise)
    tint += cv2.merge((fine, fine, fine))
    return tint.reshape(rows, -1)


def _compress(image: Array, camera: Camera) -> Array:
    """Return the photo after JPEG; `image` is overwritten."""
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if camera.subsampled else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = [cv2.IMWRITE_JPEG_QUALITY, camera.jpeg, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    coded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR, dst=image), options)[1]
    photo = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB, dst=photo))
