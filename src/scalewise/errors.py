"""The exception that means: the user can mend this."""


class ScalewiseError(ValueError):
    """A mistake in the input; the message is one line: what, where, and how to mend it."""


class DiskFullError(ScalewiseError):
    """Nothing more can be written there, whatever it is."""
