"""What `check` finds in a table of boxes, and what it lets pass."""

from pathlib import Path

import pytest
from PIL import Image

from whalepipe.errors import ConfigError, TableError
from whalepipe.formats.check import Checked, check

HEADER = "photo,encounter,part,xmin,ymin,xmax,ymax\n"


def checked(tmp_path: Path, photos: Path, *lines: str, parts: tuple[str, ...] = ("fluke", "dorsal_fin")) -> Checked:
    (tmp_path / "boxes.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return check(tmp_path / "boxes.csv", photos, parts)


def found(tmp_path: Path, photos: Path, *lines: str) -> list[str]:
    """What is said, without the table's path."""
    said = checked(tmp_path, photos, *lines).wrong
    assert all(text.startswith(f"{tmp_path / 'boxes.csv'}, line ") for text in said)
    return [text.removeprefix(f"{tmp_path / 'boxes.csv'}, ") for text in said]


def test_what_is_right(tmp_path: Path, photos: Path) -> None:
    lines = (
        "a.jpg,E,fluke,0,0,100,50",  # as large as the photo
        "a.jpg,E,dorsal_fin,-0.4,0,100.4,50",  # rounded outwards; another part in the same place
        "a.jpg,E,fluke,20,5,60,40",
        "a.jpg,E,fluke,20,5,60,36",  # overlap 0.89: two animals side by side
        "sub/b.JPG,F,fluke,1,1,60,80",  # upright as it is seen, not as it is stored
        "c d.png,,,,,,",
    )
    assert checked(tmp_path, photos, *lines) == Checked(5, 3, [])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a.jpg,,fluke,1,2,110,40", "the box stands out of the photo's 100 x 50 pixels: xmax 110"),
        ("a.jpg,,fluke,-1,-2.5,101,51", "the box stands out of the photo's 100 x 50 pixels: xmin -1, ymin -2.5, "
         "xmax 101, ymax 51"),
        ("a.jpg,,fluke,100,2,120,40", "the box lies wholly outside the photo's 100 x 50 pixels"),
        ("sub/b.JPG,,fluke,1,1,80,60", "the box stands out of the photo's 60 x 80 pixels: xmax 80"),
        ("a.jpg,,fluke,5,2,5,40", "the box is empty: xmax and ymax must be larger than xmin and ymin"),
        ("a.jpg,,fluke,9,2,5,40", "the box is inside out: xmax and ymax must be larger than xmin and ymin"),
        ("a.jpg,,fluke,1,,5,40", "a corner of the box is missing"),
        ("a.jpg,,fluke,1,nan,5,40", "a corner of the box is not a finite number"),
        ("a.jpg,,head,1,2,5,40", "unknown part 'head'; known are fluke, dorsal_fin"),
        ("a.jpg,,,1,2,5,40", "unknown part ''; known are fluke, dorsal_fin"),
    ],
)  # fmt: skip
def test_a_wrong_box(tmp_path: Path, photos: Path, line: str, text: str) -> None:
    photo = line.split(",")[0]
    assert found(tmp_path, photos, "c d.png,,fluke,1,1,9,9", line) == [f"line 3 ({photo}): {text}"]


def test_a_box_that_is_wrong_in_several_ways(tmp_path: Path, photos: Path) -> None:
    assert found(tmp_path, photos, "a.jpg,,head,1,2,5,400") == [
        "line 2 (a.jpg): the box stands out of the photo's 100 x 50 pixels: ymax 400",
        "line 2 (a.jpg): unknown part 'head'; known are fluke, dorsal_fin",
    ]


def test_boxes_drawn_twice(tmp_path: Path, photos: Path) -> None:
    lines = ("a.jpg,,fluke,20,5,60,40", "c d.png,,fluke,20,5,30,40", "a.jpg,,dorsal_fin,20,5,60,40")
    assert found(tmp_path, photos, *lines, "a.jpg,,fluke,20,5,60,39") == [
        "line 4 (a.jpg): the same box as in line 2",
        "line 5 (a.jpg): overlaps the box of line 2 by 0.971: drawn twice?",
    ]


def test_photos_that_cannot_be_used_are_said_once(tmp_path: Path, photos: Path) -> None:
    (photos / "text.jpg").write_text("text")
    Image.effect_noise((200, 200), 60).save(photos / "cut.jpg")
    (photos / "cut.jpg").write_bytes((photos / "cut.jpg").read_bytes()[:-400])
    lines = ("no.jpg,,fluke,1,1,9,9", "no.jpg,,fluke,11,11,19,19", "text.jpg,,,,,,", "cut.jpg,,,,,,")
    first, second, third, fourth = found(tmp_path, photos, *lines, "../boxes.csv,,fluke,1,1,9,9")
    assert first == f"line 2 (no.jpg): no.jpg is not in {photos}"
    assert second.startswith("line 4 (text.jpg): not a picture: its content is no JPEG")
    assert third.startswith("line 5 (cut.jpg): cannot be decoded (the file is cut short")
    assert fourth == f"line 6 (../boxes.csv): ../boxes.csv leads out of {photos}"


def test_names_that_others_would_not_find(tmp_path: Path, photos: Path) -> None:
    assert found(tmp_path, photos, "sub\\b.JPG,,,,,,", f"{photos}/a.jpg,,,,,,", "./c d.png,,,,,,") == [
        "line 2 (sub\\b.JPG): write it as sub/b.JPG",
        f"line 3 ({photos}/a.jpg): write it as a.jpg",
        "line 4 (./c d.png): write it as c d.png",
    ]


def test_lines_that_contradict_each_other(tmp_path: Path, photos: Path) -> None:
    lines = ("a.jpg,E,fluke,1,1,9,9", "a.jpg,E,,,,,", "c d.png,E,fluke,1,1,9,9", "c d.png,,fluke,11,11,19,19")
    assert found(tmp_path, photos, *lines) == [
        "line 3 (a.jpg): says that nothing is in the photo, of which line 2 speaks too",
        "line 5 (c d.png): in encounter 'unknown' here, in 'E' in line 4",
    ]


def test_lines_that_cannot_be_read_are_found_with_the_rest(tmp_path: Path, photos: Path) -> None:
    assert checked(tmp_path, photos, "a.jpg,,fluke,x,1,9,9", "a.jpg,,head,1,1,9,9", parts=("fluke",)).wrong == [
        f"{tmp_path}/boxes.csv, line 2, column xmin: 'x' is not a float",
        f"{tmp_path}/boxes.csv, line 3 (a.jpg): unknown part 'head'; known are fluke",
    ]


def test_what_cannot_be_checked_at_all(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        check(tmp_path / "none.csv", photos)
    with pytest.raises(ConfigError, match=r"--photos .*none is not a folder"):
        check(tmp_path / "none.csv", tmp_path / "none")
