"""Draw the boxes of a run on its photos, and under each crop what was said of it: two pictures to look at.

Usage: python scripts/contact_sheet.py RAW_DIR OUT [PREFIX]   writes PREFIX-photos.png and PREFIX-crops.png
"""

import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from whalepipe.photos import read_photo
from whalepipe.tables import Detection, Ledger, Match, Quality, read_table

PHOTO, CROP, COLUMNS = 480, 220, 4


def photos(raw: Path, out: Path) -> np.ndarray:
    """Each photo with its boxes and their confidence."""
    boxes = defaultdict(list)
    for d in read_table(out / "detections.csv", Detection):
        boxes[d.photo].append(d)
    tiles = []
    for row in {r.photo: r for r in read_table(out / "ledger.csv", Ledger)}.values():
        if row.state in ("failed", "skipped", "duplicate"):
            continue
        full = read_photo(raw / row.photo)
        scale = PHOTO / max(full.shape[:2])
        tile = np.zeros((PHOTO, PHOTO, 3), np.uint8)
        small = cv2.resize(full, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:PHOTO, :PHOTO]
        tile[: small.shape[0], : small.shape[1]] = small
        for d in boxes[row.photo]:
            corners = [int(c * scale) for c in (d.xmin, d.ymin, d.xmax, d.ymax)]
            cv2.rectangle(tile, corners[:2], corners[2:], (255, 60, 60), 2)
            write(tile, f"{d.part} {d.confidence:.2f}", (corners[0], max(corners[1] - 4, 12)))
        write(tile, row.photo, (4, PHOTO - 8))
        tiles.append(tile)
    return sheet(tiles, COLUMNS)


def crops(out: Path) -> np.ndarray:
    """Each crop with its state, its best candidates and its measures."""
    quality = {q.crop: q for q in read_table(out / "quality.csv", Quality)}
    candidates = defaultdict(list)
    for m in read_table(out / "matches.csv", Match):
        candidates[m.crop].append(f"{m.rank} {m.individual} p {m.probability:.2f} cos {m.score or 0:.2f}")
    tiles = []
    for row in read_table(out / "ledger.csv", Ledger):
        if not row.crop:
            continue
        picture = read_photo(out / "crops" / row.crop, CROP)
        tile = np.zeros((CROP + 96, CROP + 60, 3), np.uint8)
        tile[: picture.shape[0], : picture.shape[1]] = picture
        q = quality[row.crop]
        lines = [row.crop, f"{row.state} {row.reason}"[:44], *candidates[row.crop][:3]]
        lines.append(f"size {q.size:.0f} sharp {q.sharpness:.2f} exp {q.exposure:.2f} con {q.contrast:.2f}")
        for i, line in enumerate(lines):
            write(tile, line, (4, CROP + 14 + 15 * i))
        tiles.append(tile)
    return sheet(tiles, COLUMNS + 1)


def write(tile: np.ndarray, text: str, place: tuple[int, int]) -> None:
    """Small white text."""
    cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)


def sheet(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    """Tiles of one size side by side."""
    blank = np.zeros_like(tiles[0])
    tiles = tiles + [blank] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    raw_dir, out_dir = Path(sys.argv[1]), Path(sys.argv[2])
    prefix = sys.argv[3] if len(sys.argv) > 3 else "sheet"
    cv2.imwrite(f"{prefix}-photos.png", photos(raw_dir, out_dir)[..., ::-1])
    cv2.imwrite(f"{prefix}-crops.png", crops(out_dir)[..., ::-1])
