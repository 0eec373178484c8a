"""What libraries would report of their users is switched off before they are imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'whalepipe[fast]'")


def test_onnx_runtime_leaves_nothing_in_the_users_home(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    command = "import whalepipe, onnxruntime; onnxruntime.SessionOptions()"
    subprocess.run([sys.executable, "-c", command], cwd=PROJECT, env={**kept, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []
