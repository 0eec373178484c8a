"""The models that a run asks for, each opened or loaded when it is first needed."""

import threading
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from whalepipe.config import Config
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.cut import Cuts, find_cuts
from whalepipe.models.details import CloserLook, closer_look
from whalepipe.models.distinctive import Distinctiveness, find_distinctiveness
from whalepipe.models.ensemble import find_embedder
from whalepipe.models.exported import Form, find_exported
from whalepipe.models.grade import Grader, find_grader, least_grade
from whalepipe.models.side import Sides, find_sides
from whalepipe.models.species import SpeciesModel, find_species
from whalepipe.models.tighten import Tightener, find_tightener
from whalepipe.models.weights import Weights, find_weights

if TYPE_CHECKING:
    from whalepipe.models.detector import Detector
    from whalepipe.models.embedder import Embedder

_LOADING = threading.RLock()

if TYPE_CHECKING:
    once = cached_property
else:

    class once(cached_property):  # noqa: N801  used as `cached_property` is
        """A cached property that several threads may ask for at a time: one of them makes it."""

        def __get__(self, instance, owner=None):
            """Its value."""
            with _LOADING:
                return super().__get__(instance, owner)


class Instruments:
    """Weights, checked against their cards, and the models that they make, by a configuration."""

    def __init__(self, config: Config, device: str, known: bool = True) -> None:
        """`known`: whether there are individuals to compare with; without there is nobody to look closer at."""
        self.config, self.device, self._known = config, device, known
        self.backend = config.detect.backend  # of all networks: nothing is won by two in one process

    @once
    def detector_weights(self) -> Weights:
        """The detector's file, checked against its card."""
        return find_weights(self.config.detect.weights, "detector")

    @once
    def exported_detector(self) -> Form | None:
        """What runs in the place of the detector's own tensors, if anything does."""
        return find_exported(self.detector_weights, self.backend, self.device)

    @once
    def tightener(self) -> Tightener | None:
        """What draws the detector's boxes anew, if anything does."""
        return find_tightener(self.config.detect, self.detector_weights, self.device)

    @once
    def embedder_weights(self) -> Weights:
        """The embedder's file, checked against its card."""
        return find_embedder(self.config.embed)

    @once
    def exported_embedder(self) -> Form | None:
        """What runs in the place of the embedder's own tensors, if anything does."""
        return find_exported(self.embedder_weights, self.backend, self.device, needed=False)

    @once
    def detector(self) -> "Detector":
        """The detector, loaded now."""
        from whalepipe.models.detector import Detector

        return Detector(self.detector_weights, self.device, self.exported_detector, self.tightener)

    @once
    def embedder(self) -> "Embedder":
        """The embedder, loaded now."""
        from whalepipe.models.device import pick_device
        from whalepipe.models.embedder import Embedder

        exported = self.exported_embedder
        return Embedder(self.embedder_weights, "cpu" if exported else pick_device(self.device), exported)

    @once
    def closer_look(self) -> CloserLook | None:
        """What finds the details of crops; None where vectors alone are compared."""
        if not self._known:
            return None
        return closer_look(self.embedder_weights, self.config.match, self.device, self.backend)

    @once
    def sides(self) -> Sides | None:
        """What tells the sides of fins, if anything does."""
        return find_sides(self.config.view, self.device, self.backend)

    @once
    def distinctiveness(self) -> Distinctiveness | None:
        """What tells how marked fins are, if anything does."""
        return find_distinctiveness(self.config.quality, self.device, self.backend)

    @once
    def cuts(self) -> Cuts | None:
        """What tells how animals meet the frame, if anything does."""
        return find_cuts(self.config.quality, self.device, self.backend)

    @once
    def grader_weights(self) -> Weights | None:
        """The weights that grade crops, checked against their card; None where limits alone decide."""
        return find_grader(self.config.quality.weights)

    @once
    def grader(self) -> Grader | None:
        """What grades crops, if anything does, loaded now."""
        weights = self.grader_weights
        return Grader(weights, self.embedder_weights.digest) if weights else None

    def borrow(self, other: "Instruments") -> None:
        """Take over what another of the same configuration has opened or loaded."""
        own = {name for name, value in vars(Instruments).items() if isinstance(value, cached_property)}
        self.__dict__.update({name: value for name, value in vars(other).items() if name in own})

    def least_grade(self, part: str) -> float:
        """The grade below which a crop of a part is set aside. Raises WeightsError."""
        return least_grade(self.grader_weights, self.config.quality.keep_right, part)

    @once
    def species_model(self) -> SpeciesModel | None:
        """What tells the species; None where nothing does, and every species is unknown."""
        return find_species(self.config.species.weights, self.embedder_weights.digest)

    def calibrations(self, parts: Iterable[str]) -> dict[str, Calibration]:
        """What the embedder's cosines mean, for each part."""
        return {part: read_calibration(self.embedder_weights.card, part) for part in parts}
