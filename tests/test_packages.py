"""The public names of packages, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ("scalewise.data", "scalewise.files", "scalewise.imaging")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package: str) -> None:
    module = import_module(package)
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import scalewise.imaging", "pyvips"),
        ("from scalewise.data import PatchDegradation, PatchSampler, Store, pack", "pyvips"),
        ("import scalewise.files, scalewise.data, scalewise.imaging", "torch"),
    ],
)
def test_what_an_import_leaves_out(code: str, absent: str) -> None:
    """Training from a packed store needs no codec, and images need no PyTorch."""
    check = f"{code}\nimport sys\nassert {absent!r} not in sys.modules"
    child = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, timeout=120, check=False
    )
    assert child.returncode == 0, child.stderr
