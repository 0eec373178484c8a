"""The causes of what a run keeps: the keys of its entries in the cache, by a configuration and its models."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

from whalepipe.cache import recipes
from whalepipe.config import Config
from whalepipe.instruments import Instruments
from whalepipe.listed import File
from whalepipe.models.device import cause_on
from whalepipe.models.exported import Form
from whalepipe.stages import crop as cropping
from whalepipe.stages import detect as detecting
from whalepipe.stages import distinctive as marking
from whalepipe.stages import embed as embedding
from whalepipe.stages import listing
from whalepipe.stages import quality as grading
from whalepipe.stages import view as viewing
from whalepipe.tables import Crop, Detection, Photo

AHEAD_VERSION = 1
WITHOUT_VECTORS = ("detect", "crop")  # stages
Keys = Callable[..., str]


class Causes(Instruments):
    """Keys. What many have in common is made a text once."""

    def __init__(self, config: Config, device: str, known: bool = True) -> None:
        super().__init__(config, device, known)
        self._boxes: dict[tuple[str, int], str] = {}  # the cause of each box, by photo and number
        self._made_ahead: dict[str, Keys] = {}  # by stage

    def photo_key(self, found: File) -> str:
        """The cause of what is known of a file."""
        return self._photos(found.address, *found.state, self.config.photos.max_megapixels)

    _photos = staticmethod(recipes("photos", listing.VERSION))

    def ahead_key(self, photo: Photo, until: str) -> str:
        """The cause, in the main, of all that is made of a photo by itself up to a stage."""
        if until not in self._made_ahead:
            causes = [self.detector_weights.digest, self._runs(self.exported_detector)]
            if until not in WITHOUT_VECTORS:
                grader = self.grader_weights
                causes += [self.embedder_weights.digest, self._runs(self.exported_embedder)]
                causes.append(grader.digest if grader else "")
            self._made_ahead[until] = recipes("ahead", AHEAD_VERSION, until, self.config, causes)
        return self._made_ahead[until](photo.photo_id)

    def detect_key(self, photo: Photo) -> str:
        """The cause of a photo's detections."""
        return self._detections(photo.photo_id)

    @cached_property
    def _detections(self) -> Keys:
        weights, exported = self.detector_weights, self.exported_detector
        causes = [weights.digest, weights.card.get("parts"), self._runs(exported)]
        causes.append(self.tightener.digest if self.tightener else "")
        # Which of them was meant is said by what runs.
        config = replace(self.config.detect, backend="", tighten="", silhouette="")
        return recipes("detect", detecting.VERSION, config, *causes)

    def crop_key(self, boxes: Sequence[Detection]) -> str:
        """The cause of a photo's crops. From now on the keys of each of them are known."""
        for box in boxes:
            # All that decides about a crop's pixels, but not the name of its photo.
            self._boxes[box.photo, box.box] = self._crops(box.photo_id, [box.xmin, box.ymin, box.xmax, box.ymax])
        return self._crops(list(boxes))

    @cached_property
    def _crops(self) -> Keys:
        return recipes("crop", cropping.VERSION, self.config.crop)

    def embed_key(self, crop: Crop) -> str:
        """The cause of a crop's vector."""
        return self._embeddings(self._boxes[crop.photo, crop.box])

    @cached_property
    def _embeddings(self) -> Keys:
        runs = self._runs(self.exported_embedder)
        return recipes("embed", embedding.VERSION, self.embedder_weights.digest, runs)

    def _runs(self, form: Form | None) -> str:
        return form.cause if form else cause_on(self.device, "torch")

    def view_key(self, crop: Crop) -> str:
        """The cause of the side that a crop shows."""
        return self._views(crop.part, self._boxes[crop.photo, crop.box])

    @cached_property
    def _views(self) -> Keys:
        return recipes("view", viewing.VERSION, self.sides and self.sides.method)

    def measures_key(self, crop: Crop) -> str:
        """The cause of a crop's measures."""
        return self._measures(crop.part, self._boxes[crop.photo, crop.box])

    @cached_property
    def _measures(self) -> Keys:
        return recipes("measures", grading.VERSION, self.cuts and self.cuts.method)

    def quality_key(self, crop: Crop) -> str:
        """The cause of a crop's grade."""
        return self._grades(self.measures_key(crop), self.embed_key(crop))

    @cached_property
    def _grades(self) -> Keys:
        weights = self.grader_weights
        return recipes("quality", grading.VERSION, weights and weights.digest)

    def marks_key(self, crop: Crop) -> str:
        """The cause of how marked the animal in a crop is said to be."""
        return self._marks(self._boxes[crop.photo, crop.box])

    @cached_property
    def _marks(self) -> Keys:
        tell = self.distinctiveness
        return recipes("marks", marking.VERSION, tell and tell.method)
