"""The import of OpenVINO without its conversion tools.

They take twice as long to import as OpenVINO itself, and report the import to their maker where
telemetry is not switched off.  Nothing here needs them.
"""

from __future__ import annotations

import sys
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


def _convert_model(*arguments: Any, **options: Any) -> Any:
    tools: Any = import_module(_TOOLS)
    return tools.convert_model(*arguments, **options)
