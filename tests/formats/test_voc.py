"""Pascal VOC as LabelImg and CVAT write it."""

from pathlib import Path

from tests.formats.conftest import Read
from whalepipe.formats.convert import export_labels, import_labels
from whalepipe.tables import BoxLabel, read_table

SAMPLE = """<annotation>
	<folder>sub</folder>
	<filename>b.JPG</filename>
	<path>/home/ann/survey/sub/b.JPG</path>
	<source>
		<database>Unknown</database>
	</source>
	<size>
		<width>60</width>
		<height>80</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>
	<object>
		<name>dorsal_fin</name>
		<pose>Unspecified</pose>
		<truncated>0</truncated>
		<difficult>0</difficult>
		<bndbox>
			<xmin>6</xmin>
			<ymin>8</ymin>
			<xmax>30</xmax>
			<ymax>48.5</ymax>
		</bndbox>
	</object>
	<object>
		<name>fluke</name>
		<bndbox><xmax>20</xmax><xmin>1</xmin><ymax>9</ymax><ymin>2</ymin></bndbox>
		<attributes><attribute><name>drawn_by</name><value>Ann</value></attribute></attributes>
	</object>
</annotation>
"""


def test_a_file_of_the_tools(read: Read) -> None:
    rows, done = read("b.xml", SAMPLE)
    assert rows == [
        BoxLabel("sub/b.JPG", "", "dorsal_fin", 6, 8, 30, 48.5),
        BoxLabel("sub/b.JPG", "", "fluke", 1, 2, 20, 9, drawn_by="Ann"),
    ]
    assert (done.format, done.wrong) == ("voc", [])


def test_a_folder_of_files_one_of_them_damaged(read: Read, tmp_path: Path) -> None:
    empty = "<annotation><filename>a.jpg</filename><size><width>0</width><height>0</height></size></annotation>"
    read("voc/a.xml", empty)
    read("voc/broken.xml", "<annotation>\n<object>\n")
    rows, done = read("voc/sub/b.xml", SAMPLE, source=tmp_path / "voc")
    assert [row.photo for row in rows] == ["a.jpg", "sub/b.JPG", "sub/b.JPG"]
    assert done.wrong == [
        f"{tmp_path}/voc/broken.xml, line 3: cannot be read as XML (no element found: line 3, column 0)"
    ]
    assert done.empty == 1


def test_an_entity_is_refused(read: Read, tmp_path: Path) -> None:
    bomb = (
        '<?xml version="1.0"?>\n<!DOCTYPE lolz [\n<!ENTITY lol "lol">\n<!ENTITY lol2 "&lol;&lol;">\n]>\n'
        "<annotation><filename>&lol2;</filename></annotation>"
    )
    rows, done = read("b.xml", bomb)
    assert rows == []
    assert done.wrong == [f"{tmp_path}/b.xml, line 2: a DOCTYPE or an entity, which no label file needs"]


def test_what_is_written_and_photos_that_differ_in_their_ending(tmp_path: Path, photos: Path) -> None:
    (photos / "a.png").write_bytes((photos / "c d.png").read_bytes())
    (tmp_path / "own.csv").write_text(
        "photo,encounter,part,xmin,ymin,xmax,ymax\nsub/b.JPG,E & F,fluke,6,8,30.25,48\na.jpg,,fluke,1,1,2,2\n"
        "a.png,,fluke,1,1,2,2\n"
    )
    export_labels(tmp_path / "own.csv", tmp_path / "voc", "voc", photos)
    found = sorted(p.relative_to(tmp_path / "voc").as_posix() for p in (tmp_path / "voc").rglob("*.xml"))
    assert found == ["a.jpg.xml", "a.png.xml", "sub/b.xml"]
    assert (tmp_path / "voc" / "sub" / "b.xml").read_text() == (
        "<annotation>\n"
        " <folder>sub</folder>\n"
        " <filename>b.JPG</filename>\n"
        " <size><width>60</width><height>80</height><depth>3</depth></size>\n"
        " <segmented>0</segmented>\n"
        " <attributes><attribute><name>encounter</name><value>E &amp; F</value></attribute></attributes>\n"
        " <object>\n"
        " <name>fluke</name>\n"
        " <pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>\n"
        " <bndbox><xmin>6</xmin><ymin>8</ymin><xmax>30.25</xmax><ymax>48</ymax></bndbox>\n"
        " </object>\n"
        "</annotation>\n"
    )
    import_labels(tmp_path / "voc", tmp_path / "back.csv")  # needs no photos: the corners are pixels
    assert [row.photo for row in read_table(tmp_path / "back.csv", BoxLabel)] == ["a.jpg", "a.png", "sub/b.JPG"]
