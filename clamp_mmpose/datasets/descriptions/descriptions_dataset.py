import os.path as osp
from typing import Any, Dict, List, Optional, Sequence

from mmengine.dataset import BaseDataset
from mmpose.registry import DATASETS

from clamp_mmpose.utils.choices import check_choice

from .entries import MISSING, check_images, descriptions_of, keep_described, read_entries


@DATASETS.register_module()
class DescriptionsDataset(BaseDataset):
    """Images with descriptions, for pretraining (FocusCLIP, sections 3.4 and 4.3).

    Samples have ``img_path``, ``img_id`` and ``descriptions``, one or several texts. Heatmaps come from files or a
    model, see :class:`GenerateFocusHeatmap`.

    Args:
        ann_file: JSON list of ``{"image", "description"}``, see :func:`read_entries`; ``img_id`` is
            the ``"id"`` of an entry, or else its image name.
        description_files: more files with descriptions of the same images, such as from another language model.
        missing_descriptions: ``'error'``, or ``'skip'``: images without one are left out and counted in the log.
        kwargs: as for MMEngine's ``BaseDataset``; ``data_prefix=dict(img=...)`` is the folder of the images.

    Raises:
        FileNotFoundError: a file or an image does not exist.
        ValueError: malformed files, images without a description.
    """

    METAINFO: dict = dict(dataset_name='descriptions')

    def __init__(
        self,
        ann_file: str = '',
        description_files: Sequence[str] = (),
        missing_descriptions: str = 'error',
        data_prefix: Optional[dict] = None,
        **kwargs: Any,
    ):
        check_choice('missing_descriptions', missing_descriptions, MISSING)
        self.description_files = description_files
        self.missing_descriptions = missing_descriptions
        super().__init__(ann_file=ann_file, data_prefix=data_prefix or dict(img=''), **kwargs)

    def load_data_list(self) -> List[dict]:
        """The described images, in the order of the file."""
        first, *others = map(read_entries, [str(self.ann_file), *self.description_files])
        entries = {entry['image']: entry for entry in first}
        descriptions = descriptions_of([first, *others])
        images = keep_described(list(entries), descriptions, self.missing_descriptions, str(self.ann_file))
        samples: List[Dict[str, Any]] = [
            dict(
                img_path=osp.join(self.data_prefix['img'], image),
                img_id=entries[image].get('id', image),
                descriptions=descriptions[image],
            )
            for image in images
        ]
        check_images([sample['img_path'] for sample in samples], str(self.ann_file))
        return samples

    def get_data_info(self, idx: int) -> dict:
        """A sample with the name of its data set."""
        return dict(super().get_data_info(idx), id=idx, dataset_name=self.metainfo['dataset_name'])
