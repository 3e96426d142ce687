"""The names that keypoints had in the project that they were imported from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from clamp_mmpose.datasets.imports.data_folder import RECORD
from clamp_mmpose.datasets.nested import leaf_configs
from clamp_mmpose.utils.files import read_json

from .predicted_frames import Skeleton


def as_imported(skeleton: Skeleton, cfg: Any) -> Skeleton:
    """The skeleton with the names of the user's own project, such as 'leftear' for 'left ear'.

    Args:
        cfg: of the model; the record of an import has the names if it lies beside the metainfo file of a data set.
    """
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for _, dataset in leaf_configs(cfg.get(loader), loader):
            metainfo = dataset.get('metainfo')
            file = metainfo.get('from_file') if isinstance(metainfo, dict) else None
            record = Path(file).with_name(RECORD) if isinstance(file, str) else None
            if record is None or not record.is_file():
                continue
            names = read_json(record, 'the record of an import', 'import again', expected=dict).get('names')
            names = names if isinstance(names, dict) else {}
            as_they_were = names.get('as_they_were')
            if isinstance(as_they_were, list) and names.get('as_they_are') == list(skeleton.names):
                return replace(skeleton, names=tuple(map(str, as_they_were)))
    return skeleton
