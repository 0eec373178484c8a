from whalepipe.config import PhotosConfig
from whalepipe.stages.listing import arrange, in_time
from whalepipe.tables import Photo


def photo(name: str, taken_at: str = "", photo_id: str = "", error: str = "") -> Photo:
    return Photo(name, photo_id or f"id of {name}", taken_at=taken_at, error=error)


def groups(*photos: Photo, burst_gap_s: float = 3.0, encounter_gap_min: float = 30.0) -> list[tuple[str, str, str]]:
    config = PhotosConfig(burst_gap_s=burst_gap_s, encounter_gap_min=encounter_gap_min)
    return [(p.photo, p.burst[11:], p.encounter[11:]) for p in arrange(photos, config)]


DAY = "2024-05-01T"


def test_bursts_and_encounters_by_their_gaps() -> None:
    photos = [
        photo("e", DAY + "10:30:06"), photo("a", DAY + "10:00:00"), photo("b", DAY + "10:00:03"),
        photo("c", DAY + "10:00:06.001"), photo("d", DAY + "10:30:06.001"), photo("f", DAY + "11:00:06.002"),
    ]  # fmt: skip
    assert groups(*photos) == [
        ("a", "10:00:00", "10:00:00"),
        ("b", "10:00:00", "10:00:00"),
        ("c", "10:00:06.001", "10:00:00"),
        ("d", "10:30:06", "10:00:00"),
        ("e", "10:30:06", "10:00:00"),
        ("f", "11:00:06.002", "11:00:06.002"),
    ]
    assert [g[2] for g in groups(*photos, encounter_gap_min=29.0)][2:4] == ["10:00:00", "10:30:06"]
    assert [g[1] for g in groups(*photos, burst_gap_s=4.0)][:3] == ["10:00:00"] * 3


def test_photos_without_a_time_are_never_pooled() -> None:
    assert groups(photo("a"), photo("b"), photo("c", DAY + "10:00:00")) == [
        ("a", "", ""), ("b", "", ""), ("c", "10:00:00", "10:00:00"),
    ]  # fmt: skip


def test_offsets_are_reckoned_with_where_all_have_one_and_not_where_one_has_none() -> None:
    here, there = photo("a", DAY + "12:00:00+02:00"), photo("b", DAY + "10:00:01+00:00")
    assert groups(here, there) == [("a", "12:00:00+02:00", "12:00:00+02:00"), ("b",) + ("12:00:00+02:00",) * 2]
    assert [p.photo for p in in_time([there, here])] == ["a", "b"]
    local = photo("c", DAY + "10:00:02")
    assert [g[2] for g in groups(here, there, local)] == ["12:00:00+02:00", "10:00:01+00:00", "10:00:01+00:00"]


def test_the_ends_of_time() -> None:
    first, last = photo("a", "1800-01-01T00:00:00+14:00"), photo("b", "9999-12-31T23:59:59-12:00")
    assert len({g[2] for g in groups(first, last)}) == 2


def test_the_same_bytes_twice() -> None:
    photos = [photo("b", DAY + "10:00:00", "x"), photo("a", DAY + "10:00:00", "x"), photo("c", "", "x", "broken")]
    arranged = arrange([*photos, Photo("d", error="locked"), Photo("e", error="locked")], PhotosConfig())
    assert [p.error for p in arranged] == [
        "", "duplicate: the same bytes as a", "duplicate: the same bytes as a", "locked", "locked",
    ]  # fmt: skip
    assert [p.encounter for p in arranged] == [DAY + "10:00:00", "", "", "", ""]
