"""Dataset layouts: how folders of HR and LR images are named, found and paired."""

from scalewise.data.layouts.dataset import (
    MANIFEST,
    Dataset,
    Item,
    ManifestRow,
    display_names,
    find_dataset,
    pair_folders,
    read_manifest,
    relative_name,
)

__all__ = [
    "MANIFEST",
    "Dataset",
    "Item",
    "ManifestRow",
    "display_names",
    "find_dataset",
    "pair_folders",
    "read_manifest",
    "relative_name",
]
