"""The program ``scalewise``, also as ``python -m scalewise``."""

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly even while its modules are imported."""
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default:  # and not ignored, as by nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from scalewise.cli.app import main as run

    if is_default:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    except KeyboardInterrupt:  # before the command line is built, and takes care of it itself
        sys.exit(130)


if __name__ == "__main__":
    main()
