"""The document's experiments, run again: its four trainings, its tables and its figures."""
