"""What the stages make of one photo and of one crop, each kept under its cause: the same in whichever order."""

from collections.abc import Sequence
from functools import partial

from whalepipe.models.embedder import Look
from whalepipe.rows import having
from whalepipe.stages import crop as cropping
from whalepipe.stages import detect as detecting
from whalepipe.stages import distinctive as marking
from whalepipe.stages import embed as embedding
from whalepipe.stages import quality as grading
from whalepipe.stages.view import sure, view
from whalepipe.tables import Crop, Detection, Photo, Quality, View
from whalepipe.work import Work


def boxes_of(work: Work, photo: Photo) -> list[Detection]:
    """The boxes that the detector finds in a photo. Raises PhotoError."""

    def find() -> list[Detection]:
        pixels = work.pixels(photo, max_side=work.config.detect.size)
        with work.watch("detect"):
            return detecting.detect(photo, pixels, work.detector, work.config.detect, partial(work.pixels, photo))

    made = work.cache.cached("detect", work.detect_key(photo), Detection, find)
    return [having(d, photo=photo.photo) for d in made]


def crops_of(work: Work, photo: Photo, boxes: Sequence[Detection]) -> list[Crop]:
    """The crops of a photo's boxes. Raises PhotoError."""
    if not boxes:
        return []
    with work.watch("crop"):
        return work.kept_crops(photo, boxes, lambda: cropping.crop(work.pixels(photo), boxes, work.config.crop))


def look_of(work: Work, crop: Crop) -> Look:
    """A crop's vector, and how strongly the embedder answered to it."""

    def embed() -> list[embedding.Vector]:
        pixels = work.crop_pixels(crop)
        with work.watch("embed"):
            return embedding.embed(pixels, work.embedder)

    [made] = work.cache.cached("embed", work.embed_key(crop), embedding.Vector, embed)
    return Look(made.array, made.response)


def view_of(work: Work, crop: Crop) -> View:
    """The side of the animal that a crop shows, by today's settings."""

    def told() -> list[View]:
        with work.watch("quality"):
            return [view(crop, partial(work.crop_pixels, crop), work.sides)]

    made = work.cache.cached("view", work.view_key(crop), View, told)
    return sure(having(made[0], crop=crop.crop), work.config.view)


def quality_of(work: Work, photo: Photo, box: Detection, crop: Crop, look: Look, least: float) -> Quality:
    """The measures and the grade of a crop, and whether it is kept under today's settings and this `least` grade."""

    def measured() -> list[Quality]:
        return grading.measured(photo, box, crop, work.crop_pixels(crop), work.config.crop, work.cuts)

    def judged() -> list[Quality]:
        with work.watch("quality"):
            made = work.cache.cached("measures", work.measures_key(crop), Quality, measured)
            return [grading.judged(made[0], work.grader, crop.part, look)]

    made = work.cache.cached("quality", work.quality_key(crop), Quality, judged)
    return grading.decided(having(made[0], crop=crop.crop), least, work.config.quality)


def marks_of(work: Work, crop: Crop) -> marking.Marked:
    """How marked the animal in a crop is."""

    def told() -> list[marking.Marked]:
        with work.watch("quality"):
            return [marking.marked(crop, partial(work.crop_pixels, crop), work.distinctiveness)]

    made = work.cache.cached("marks", work.marks_key(crop), marking.Marked, told)
    return having(made[0], crop=crop.crop)
