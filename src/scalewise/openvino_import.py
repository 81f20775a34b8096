"""OpenVINO's core, and the import of OpenVINO without its conversion tools.

They take twice as long to import as OpenVINO itself, and report the import to their maker where
telemetry is not switched off.  Nothing here needs them.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from typing import Any

_TOOLS = "openvino.tools.ovc"


def import_openvino() -> Any:
    """Return the module ``openvino``; its tools are imported when they are first called.

    One that was imported before is returned as it is.
    """
    if "openvino" in sys.modules or _TOOLS in sys.modules:
        import openvino

        return openvino
    sys.modules[_TOOLS] = None  # pyright: ignore[reportArgumentType]  (its import fails)
    try:
        import openvino
    finally:
        del sys.modules[_TOOLS]
    module: Any = openvino
    module.convert_model = _convert_model
    return module


def openvino_core() -> Any:
    """Return the core of this process: making one, and loading its plugin for CPUs, takes 10 ms.

    It reads graphs into memory, because their files may be temporary.
    """
    return _core_of(os.getpid())  # threads that a core has started stay in a parent process


@cache
def _core_of(_process: int) -> Any:
    core: Any = import_openvino().Core()
    core.set_property({"ENABLE_MMAP": False})
    return core


def _convert_model(*arguments: Any, **options: Any) -> Any:
    tools: Any = import_module(_TOOLS)
    return tools.convert_model(*arguments, **options)
