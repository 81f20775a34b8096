"""Datasets: layouts on disk, the packed store, the patch sampler."""
