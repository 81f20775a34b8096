"""The exceptions that mean: the user can mend this, or wants to know it."""


class ScalewiseError(ValueError):
    """A mistake in the input; the message is one line: what, where, and how to mend it."""


class NothingToRestore(ScalewiseError):
    """A picture has no fault that is worth mending."""


class DiskFullError(ScalewiseError):
    """Nothing more can be written there, whatever it is."""
