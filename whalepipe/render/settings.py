"""What a scene is made of: sea, light, camera, and the animals in it."""

from dataclasses import dataclass

from .individual import Individual

Colour = tuple[float, float, float]
FAULTS = ("", "blurred", "cut_off", "distant", "glare")
DISTRACTIONS = ("head", "back", "blow")


@dataclass(frozen=True)
class Sea:
    """Water, sky and light.

    `wind` 0 (calm) to 1 (rough); `swell` 0 to 1 (long waves from elsewhere); `patches` 0 to 1 (how unevenly the wind
    ripples the water: slicks and cat's paws); `foam` 0 to 1; colours are RGB 0..1; `clouds` 0 to 1; `sun_side` and
    `sun_height` are angles in degrees (side 0: behind the animal, 180: behind the camera); `sun` 0 (overcast) to 1;
    `coast` is the height of land on the horizon in pixels (0: none); `haze` and `rain` 0 to 1; `boat`: whether one
    is about, if the horizon is in sight; `ships`: vessels on the horizon; `birds` fly, `rafting` ones sit on the water.
    """

    wind: float
    swell: float
    patches: float
    foam: float
    deep: Colour
    sky_low: Colour
    sky_high: Colour
    clouds: float
    sun: float
    sun_side: float
    sun_height: float
    haze: float
    rain: float
    coast: float
    boat: bool
    ships: int
    birds: int
    rafting: int


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and what it does to the picture.

    `height` in metres above the water, `focal` in pixels, `focus` in metres: how far away all is sharp, `horizon` is
    its row in pixels (it may lie outside the picture), `tilt` in degrees, `exposure` and `contrast` factors, `warmth`
    and `saturation` about 0 and 1, `blur` in pixels (sigma), `motion` in pixels (length) along `motion_angle`
    (degrees), `glare` 0 to 1 (veil), `noise` (standard deviation, 0..1) in brightness and `chroma` in colour,
    `sharpen` 0 to 1, `vignette` 0 to 1 (light lost in the corners), `aberration` in pixels (how far red is spread in
    the corners), `defocus` in pixels (sigma, of what is infinitely far away), `jpeg` quality, `subsampled`: whether
    JPEG stores colour at half the size.
    """

    height: float
    focal: float
    focus: float
    horizon: float
    tilt: float
    exposure: float
    contrast: float
    warmth: float
    saturation: float
    blur: float
    motion: float
    motion_angle: float
    glare: float
    noise: float
    chroma: float
    sharpen: float
    vignette: float
    aberration: float
    defocus: float
    jpeg: int
    subsampled: bool


@dataclass(frozen=True)
class Sighting:
    """One animal in one photo.

    `x`, `y`: the middle of the part, in pixels; `width`: pixels of the part seen square on (a fin: its base).
    Angles in degrees: `yaw` turns the part away sideways; `pitch` and `roll` are the animal's own, so a fin's pitch
    and a fluke's roll turn it in the picture, the others foreshorten it. `submerged` is the fraction of the part's
    height under water; if 0, its foot stands `raised` part widths above the water. `bend`: of a fluke, how far
    its tips curve up; of a fin, how arched the back is. `splash` 0 to 1. `tone`: (lightness factor, brown +
    or blue - cast) of wet skin in this light. `years` after the animal's first photo: its nicks and marks are those of
    that time. `bow`: how far a fluke's blades curl away from the camera (-0.3 to 0.3; negative: towards it). `wet` 0
    to 1: how much water runs off it.
    """

    individual: Individual
    view: str
    x: float
    y: float
    width: float
    yaw: float
    roll: float
    pitch: float
    submerged: float
    raised: float
    bend: float
    splash: float
    tone: tuple[float, float]
    years: float = 0.0
    bow: float = 0.0
    wet: float = 0.0


@dataclass(frozen=True)
class Distraction:
    """An animal of which neither fluke nor fin is seen, so that no box is drawn: of one photo, in pixels.

    `kind` is one of DISTRACTIONS; `x`, `y`: where its middle meets the water; `width`: of what is seen of it (a blow:
    of its foot); `facing` -1 (left) or 1. `rise`: its height as a share of what is usual. `splash`, `tone`: as of a
    Sighting.
    """

    individual: Individual
    kind: str
    x: float
    y: float
    width: float
    facing: float
    rise: float
    splash: float
    tone: tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """One photo before it is drawn: `seed` fixes all that is random in water and noise; nearer animals come last.

    `distractions` lie behind the animals.
    """

    width: int
    height: int
    seed: int
    sea: Sea
    camera: Camera
    sightings: tuple[Sighting, ...]
    fault: str = ""
    distractions: tuple[Distraction, ...] = ()
