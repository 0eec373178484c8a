"""Names of species: what people write, the mended errors of public tables, the AphiaIDs."""

import pytest

from whalepipe.taxonomy import accepted, species_of, taxa

HAPPYWHALE = {
    "beluga": "Delphinapterus leucas",
    "blue_whale": "Balaenoptera musculus",
    "bottlenose_dolphin": "Tursiops truncatus",
    "bottlenose_dolpin": "Tursiops truncatus",
    "brydes_whale": "Balaenoptera edeni",
    "commersons_dolphin": "Cephalorhynchus commersonii",
    "common_dolphin": "Delphinus delphis",
    "cuviers_beaked_whale": "Ziphius cavirostris",
    "dusky_dolphin": "Lagenorhynchus obscurus",
    "false_killer_whale": "Pseudorca crassidens",
    "fin_whale": "Balaenoptera physalus",
    "frasiers_dolphin": "Lagenodelphis hosei",
    "globis": "Globicephala macrorhynchus",
    "gray_whale": "Eschrichtius robustus",
    "humpback_whale": "Megaptera novaeangliae",
    "kiler_whale": "Orcinus orca",
    "killer_whale": "Orcinus orca",
    "long_finned_pilot_whale": "Globicephala melas",
    "melon_headed_whale": "Peponocephala electra",
    "minke_whale": "Balaenoptera acutorostrata",
    "pantropic_spotted_dolphin": "Stenella attenuata",
    "pilot_whale": "Globicephala macrorhynchus",
    "pygmy_killer_whale": "Feresa attenuata",
    "rough_toothed_dolphin": "Steno bredanensis",
    "sei_whale": "Balaenoptera borealis",
    "short_finned_pilot_whale": "Globicephala macrorhynchus",
    "southern_right_whale": "Eubalaena australis",
    "spinner_dolphin": "Stenella longirostris",
    "spotted_dolphin": "Stenella attenuata",
    "white_sided_dolphin": "Lagenorhynchus obliquidens",
}
# As WoRMS has them: the species of the project's photos, and others that are often asked for.
APHIA_IDS = {
    "Megaptera novaeangliae": 137092,
    "Tursiops truncatus": 137111,
    "Eubalaena glacialis": 159023,
    "Orcinus orca": 137102,
    "Grampus griseus": 137098,
    "Globicephala melas": 137097,
    "Delphinapterus leucas": 137115,
    "Balaenoptera musculus": 137090,
    "Balaenoptera physalus": 137091,
    "Pseudorca crassidens": 137104,
    "Delphinus delphis": 137094,
    "Ziphius cavirostris": 137127,
    "Lagenorhynchus obscurus": 231434,
    "Physeter macrocephalus": 137119,
    "Phocoena phocoena": 137117,
}


@pytest.mark.parametrize(("label", "species"), HAPPYWHALE.items())
def test_every_class_of_happywhale_is_a_species(label: str, species: str) -> None:
    taxon = species_of(label)
    assert taxon is not None
    assert taxon.species == species


@pytest.mark.parametrize(("species", "aphia_id"), APHIA_IDS.items())
def test_aphia_ids(species: str, aphia_id: int) -> None:
    taxon = species_of(species)
    assert taxon is not None
    assert taxon.aphia_id == aphia_id


@pytest.mark.parametrize(
    "label",
    ["ZIPHIUS_CAVIROSTRIS", "Cuvier's beaked whale", "cuvier’s-beaked  whales ", "Goose_Beaked Whale"],
)
def test_spelling_does_not_matter(label: str) -> None:
    taxon = species_of(label)
    assert taxon is not None
    assert (taxon.species, taxon.common_name) == ("Ziphius cavirostris", "Cuvier's beaked whale")


@pytest.mark.parametrize("label", ["", " ", "unknown", "dolphin", "whale", "Carcharodon carcharias", "s"])
def test_what_names_no_cetacean_is_none(label: str) -> None:
    assert species_of(label) is None
    assert accepted(label) == label


def test_the_accepted_name_of_a_synonym() -> None:
    assert accepted("Leucopleurus acutus") == "Lagenorhynchus acutus"


def test_every_species_once_and_every_name_its_own() -> None:
    assert len(taxa()) == len({t.species for t in taxa()}) == 94
    ids = [t.aphia_id for t in taxa() if t.aphia_id is not None]
    assert len(ids) == len(set(ids)) == 49
    for taxon in taxa():
        assert species_of(taxon.species) == species_of(taxon.common_name) == taxon
