"""Restoring pictures: the runtime, tiling, the restorer, whole files."""
