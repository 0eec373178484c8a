"""The import rule of the design, file lengths, and what `--help` may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PACKAGE = PROJECT / "whalepipe"
LAYERS = (
    ("cli", "__main__"),
    ("demo", "doctor"),
    ("review", "report", "training", "evaluation", "bench"),
    ("suggest", "spread", "shared", "explain", "export"),
    ("pipeline", "individuals", "ahead", "making", "work", "job", "causes", "instruments", "enrol"),
    ("stages", "engines", "cache", "packed", "bundle"),
    ("models", "catalog"),
    ("outcome", "opened", "stopwatch"),
    (
        "photos",
        "store",
        "tables",
        "taxonomy",
        "csvtable",
        "rows",
        "exif",
        "boxes",
        "summary",
        "files",
        "formats",
        "render",
        "progress",
    ),
    ("jpeg", "pixels", "listed"),
    ("config",),
    ("errors",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
TABLES = {"tables", "csvtable", "summary", "boxes", "photos"}
FILES = sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> tuple[str, ...]:
    """`whalepipe/stages/crop.py` as (stages, crop)."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(path: Path) -> set[tuple[str, ...]]:
    """Modules of whalepipe that a file imports anywhere, those for types only too; and others by their first name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = tuple(filter(None, (node.module or "").split(".")))
            if node.level:  # relative to the file's own folder, or to one above
                folder = path.parents[node.level - 1]
                module = (*folder.relative_to(PROJECT).parts, *module)
            found |= {(*module, alias.name) for alias in node.names} if _is_package(module) else {module}
    return found


def _is_package(module: tuple[str, ...]) -> bool:
    return (PROJECT.joinpath(*module) / "__init__.py").exists()


@pytest.mark.parametrize("path", FILES, ids=lambda p: "/".join(place(p)) or "whalepipe")
def test_imports_run_one_way(path: Path) -> None:
    own = place(path)
    if not own:
        assert not [m for m in imported(path) if m[0] == "whalepipe"]
        return
    for module in imported(path):
        if module[0] in ("typer", "rich", "click"):
            assert own[0] == "cli", f"{path} imports {module[0]}"
        if module[0] != "whalepipe" or module[1] == "__version__":
            continue
        assert RANK[own[0]] <= RANK[module[1]], f"{path} imports {'.'.join(module)}, which stands above it"
        if own[0] == "stages":
            assert module[1] not in ("stages", "cache"), f"{path} imports {'.'.join(module)}"
        if own[0] == "models":
            assert module[1] not in TABLES, f"{path} imports {'.'.join(module)}"


def test_every_module_has_its_layer() -> None:
    assert {place(p)[0] for p in FILES if place(p)} <= RANK.keys()


def test_the_rule_would_see_a_breach(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("def f():\n    from whalepipe.stages import crop as c\n    import rich.progress\n")
    assert imported(tmp_path / "x.py") == {("whalepipe", "stages", "crop"), ("rich", "progress")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: "/".join(place(p)) or "whalepipe")
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300


@pytest.mark.parametrize("path", FILES, ids=lambda p: "/".join(place(p)) or "whalepipe")
def test_only_the_command_line_prints_asks_or_exits(path: Path) -> None:
    if place(path)[:1] == ("cli",):
        return
    calls = [n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    names = {f.id for f in calls if isinstance(f, ast.Name)}
    assert not names & {"print", "input", "eval", "exec", "exit"}


@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "explain",
        "doctor",
        "catalog",
        "catalog add",
        "catalog audit",
        "catalog merge",
        "catalog import",
        "labels",
        "labels import",
        "labels check",
        "labels suggest",
        "review",
        "export",
        "report",
    ],
)
def test_help_loads_nothing_heavy(command: str) -> None:
    program = (
        "import sys\nfrom whalepipe.cli import app\ntry:\n    app(sys.argv[1:])\nfinally:\n"
        "    print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'torch','numpy','pandas','cv2','PIL','sqlalchemy','timm','ultralytics','jinja2','openpyxl','fastapi'}))"
    )
    args = [sys.executable, "-c", program, *command.split(), "--help"]
    done = subprocess.run(args, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    assert "Example: whalepipe" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
