"""The sections of the report, one module each; the report has them in order."""
