from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
from mmengine.dataset import BaseDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.files.images import image_files
from clamp_mmpose.utils.files import read_json

FOLDER = 'predictions'
REMEDY = 'write predictions by tools/predict.py'


@DATASETS.register_module()
class PredictedPeople(BaseDataset):
    """The keypoints that a model found, as ``tools/predict.py`` and MMPose's inferencer write them, for texts about
    images without annotations, see :func:`read_facts`.

    Args:
        ann_file: folder of ``predictions/NAME.json``, also in subfolders: ``SEQUENCE/predictions/NAME.json`` is about
            the image ``SEQUENCE/NAME.*`` below ``data_prefix['img']``.
        threshold: keypoints with a lower score count as not labeled; instances with a lower mean are left out.
        kwargs: of MMEngine's :class:`BaseDataset`; ``metainfo`` has the keypoints of the model, by default COCO's.
    """

    METAINFO: dict = dict(from_file='configs/_base_/datasets/coco.py')

    def __init__(self, ann_file: str, threshold: float = 0.3, **kwargs: Any):
        self.threshold = threshold
        super().__init__(ann_file=ann_file, **kwargs)

    @classmethod
    def _load_metainfo(cls, metainfo: Optional[dict] = None) -> dict:
        return parse_pose_metainfo(dict(metainfo or cls.METAINFO))

    def load_data_list(self) -> List[Dict[str, Any]]:
        """One sample for each instance, in the order of the files.

        Raises:
            FileNotFoundError: there are no predictions, or no image of this name.
            ValueError: a file is not one of predictions.
        """
        root, found = Path(self.ann_file or ''), []
        files = sorted(root.glob(f'**/{FOLDER}/**/*.json'))
        if not files:
            raise FileNotFoundError(f'{root} has no {FOLDER}/NAME.json (looked in {Path.cwd()}): {REMEDY}.')
        images: Dict[Path, Dict[str, Path]] = {}
        for file in files:
            place = Path(*(part for part in file.relative_to(root).parts if part != FOLDER))
            folder = Path(self.data_prefix.get('img', ''), place.parent)
            if folder not in images:
                images[folder] = {key: path for path in image_files(folder) for key in (path.stem, path.name)}
            if place.stem not in images[folder]:
                raise FileNotFoundError(f'{file} has no image {place.stem} in {folder}: check data_prefix.')
            found += self._instances(file, images[folder][place.stem])
        return found

    def _instances(self, file: Path, image: Path) -> List[Dict[str, Any]]:
        samples = []
        for number, one in enumerate(read_json(file, 'predictions', REMEDY, expected=list)):
            try:
                keypoints, scores = np.array(one['keypoints'], float), np.array(one['keypoint_scores'], float)
                box = np.array(one['bbox'], float).reshape(1, 4)
                if keypoints.shape != (len(scores), 2):
                    raise ValueError(f'{len(scores)} scores for keypoints {list(keypoints.shape)}')
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f'{file}, instance {number} is no prediction ({error!r}): {REMEDY}.') from error
            if scores.mean() >= self.threshold:
                shown = scores >= self.threshold
                samples.append(
                    dict(img_path=str(image), keypoints=keypoints[None], keypoints_visible=shown[None], bbox=box)
                )
        return samples
