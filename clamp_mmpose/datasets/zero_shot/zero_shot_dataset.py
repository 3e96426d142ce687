import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmpose.registry import DATASETS

from clamp_mmpose.language.class_prompts import class_texts
from clamp_mmpose.utils.files import read_json

FAULTY = np.zeros((32, 32, 3), np.uint8)  # replaces an image that cannot be read; it is not scored


@DATASETS.register_module()
class ZeroShotDataset(BaseDataset):
    """Images to classify with text prompts alone (CLIP; FocusCLIP, eq. 1).

    This class reads a JSON file of our own, ``{"task", "top_k", "classes": [C names], "words": [C, optional],
    "templates": [...], "images": [{"file_name", "labels": [indices], "bbox": [x1, y1, x2, y2], optional}]}``; its
    subclasses read the published files of data sets. A sample has ``img_path`` (or ``img``), ``labels``,
    optionally ``bbox`` ``[1, 4]`` in pixels of the original image, and fields that are the same for all samples:
    ``dataset_name``, ``task``, ``top_k``, ``average`` (``'micro'``: over trials, ``'macro'``: over classes; as the
    data set's publications report it), ``class_names`` (C) and ``class_texts`` (for each class the filled templates).
    Each label of a sample is one trial.

    An image that cannot be read does not stop the evaluation: its sample is black, ``fault`` says why, and the metric
    counts it.

    Args:
        ann_file: the JSON file; data sets with a fixed layout need none.
        data_root: the data set's folder.
        templates: None: the data set's own (FocusCLIP, appendix C.1); ``'ensemble'``: all its wordings, whose
            embeddings are averaged; or a list of templates with one ``{}`` each, where 'a/an' becomes the right
            article.
        kwargs: as for MMEngine's ``BaseDataset``.

    Raises:
        FileNotFoundError: the annotations do not exist.
        ValueError: malformed annotations, labels out of range, a template without ``{}``.
    """

    METAINFO: dict = dict(dataset_name='zero-shot')
    # a subclass sets these before or in read_samples
    task: str = ''
    top_k: int = 1
    average: str = 'micro'
    classes: Sequence[str] = ()
    words: Sequence[str] = ()  # the word for each class in the template, if not its name
    templates: Sequence[str] = ()
    ensemble: Sequence[str] = ()  # other wordings of the templates

    def __init__(
        self,
        ann_file: str = '',
        data_root: str = '',
        templates: Union[str, Sequence[str], None] = None,
        test_mode: bool = True,
        **kwargs: Any,
    ):
        self.wanted_templates = templates
        self.class_texts: Optional[List[List[str]]] = None
        super().__init__(ann_file=ann_file, data_root=data_root, test_mode=test_mode, **kwargs)

    @property
    def name(self) -> str:
        return self.metainfo['dataset_name']

    def path(self, *parts: str) -> Path:
        """A path below ``data_root``.

        Raises:
            FileNotFoundError: it does not exist.
        """
        path = Path(self.data_root or '', *parts)
        if not path.exists():
            raise FileNotFoundError(
                f'{type(self).__name__}: {path} does not exist: give data_root, the folder of the '
                'published files; docs/data.md says where the configs expect it.'
            )
        return path

    def load_data_list(self) -> List[dict]:
        """The samples, with their labels checked."""
        samples = self.read_samples()
        if not samples:
            raise ValueError(f'{self.name}: no images in {self.ann_file or self.data_root}.')
        for sample in samples:
            if not sample['labels'] or not all(0 <= label < len(self.classes) for label in sample['labels']):
                raise ValueError(
                    f'{self.name}: {sample.get("img_path")} has labels {sample["labels"]}, expected one '
                    f'or more of 0 to {len(self.classes) - 1}.'
                )
        self.class_texts = class_texts(self._chosen_templates(), self.words or self.classes)
        return samples

    def read_samples(self) -> List[dict]:
        """The samples of the files, each made by :meth:`sample`; here of the JSON file."""
        path = Path(str(self.ann_file))
        content = read_json(path, 'zero-shot annotations', 'give ann_file and data_root of the data set', expected=dict)
        missing = [key for key in ('task', 'top_k', 'classes', 'templates', 'images') if key not in content]
        if missing:
            raise ValueError(f'{path} lacks {missing}; expected task, top_k, classes, templates and images.')
        for key in ('classes', 'words', 'templates'):
            values = content.get(key, [])
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise ValueError(f'{path}: {key} must be a list of texts, got {values!r:.80}.')
        if type(content['top_k']) is not int or not isinstance(content['task'], str):
            found = f'{content["top_k"]!r:.80} and {content["task"]!r:.80}'
            raise ValueError(f'{path}: top_k must be an integer and task a text, got {found}.')
        self.task, self.top_k = content['task'], content['top_k']
        self.classes, self.words = content['classes'], content.get('words', ())
        self.templates = content['templates']
        self._metainfo['dataset_name'] = str(content.get('name', path.stem))
        if self.words and len(self.words) != len(self.classes):
            raise ValueError(f'{path} has {len(self.words)} words for {len(self.classes)} classes.')
        try:
            return [self._image(image) for image in content['images']]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'{path}: each image needs file_name, labels [indices] and optionally bbox '
                f'[x1, y1, x2, y2]: {type(error).__name__} {error}.'
            ) from error

    def _image(self, image: dict) -> dict:
        labels, bbox = image['labels'], image.get('bbox')
        if not isinstance(labels, list) or not all(type(label) is int for label in labels):
            raise TypeError(f'labels {labels!r:.80} of {image["file_name"]!r:.80} are not a list of integers')
        if bbox is not None and not (isinstance(bbox, list) and all(type(value) in (int, float) for value in bbox)):
            raise TypeError(f'bbox {bbox!r:.80} of {image["file_name"]!r:.80} is not a list of numbers')
        return self.sample(osp.join(self.data_root or '', image['file_name']), labels, bbox)

    @staticmethod
    def sample(
        img_path: Union[str, Path], labels: Sequence[int], bbox: Union[Sequence[float], np.ndarray, None] = None
    ) -> dict:
        """A sample for ``read_samples``: one image, or one person in it."""
        sample: Dict[str, Any] = dict(img_path=str(img_path), labels=[int(label) for label in labels])
        if bbox is not None:
            sample['bbox'] = np.array(bbox, np.float32).reshape(1, 4)
        return sample

    def get_data_info(self, idx: int) -> dict:
        """A sample with the fields that all samples share."""
        return dict(
            super().get_data_info(idx),
            id=idx,
            dataset_name=self.name,
            task=self.task,
            top_k=self.top_k,
            average=self.average,
            class_names=list(self.classes),
            class_texts=self.class_texts,
        )

    def prepare_data(self, idx: int) -> Any:
        """Run the sample through the pipeline, or a black one with ``fault``."""
        try:
            return self.pipeline(self.get_data_info(idx))
        except (OSError, ValueError) as error:  # from read_image and the crop, for a bad image
            return self.pipeline(
                dict(
                    self.get_data_info(idx),
                    img=FAULTY.copy(),
                    bbox=np.array([[0, 0, 32, 32]]),
                    fault=f'{type(error).__name__}: {error}',
                )
            )

    def _chosen_templates(self) -> Sequence[str]:
        if self.wanted_templates is None:
            return self.templates
        if self.wanted_templates == 'ensemble':
            return [*self.templates, *self.ensemble]
        if isinstance(self.wanted_templates, str):
            raise ValueError(f"templates={self.wanted_templates!r}: expected None, 'ensemble', or a list of templates.")
        return self.wanted_templates
