"""The program ``scalewise``, also as ``python -m scalewise``."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly even while its modules are imported.

    SIGTERM, which service managers and ``timeout`` send, does the same as Ctrl-C: half-written
    files are removed, and what is kept is said.  The exit status is 143 then in place of 130.
    """
    _occupy_descriptors()
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default:  # and not ignored, as by nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from scalewise.cli import app

    if is_default:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    terminated: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        terminated.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, interrupt)
    try:
        app.main()
    except KeyboardInterrupt:  # before the command line is built, and takes care of it itself
        sys.exit(128 + (terminated or [signal.SIGINT])[0])
    except SystemExit as end:
        if terminated and end.code == 128 + signal.SIGINT:  # which the command line made of it
            end.code = 128 + signal.SIGTERM
        raise


def _occupy_descriptors() -> None:
    """Open the null device where a standard stream is closed.

    Otherwise a result would get that stream's descriptor, and the words of a C library in it.
    """
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
        if descriptor > 2:
            os.close(descriptor)
            return


if __name__ == "__main__":
    main()
