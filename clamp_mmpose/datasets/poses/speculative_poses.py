from typing import List

from mmengine.dataset import BaseDataset
from mmpose.registry import DATASETS

from .benchmark_files import conversation, is_text, read_entries, read_pose


@DATASETS.register_module()
class SpeculativePoses(BaseDataset):
    """Speculative pose generation (SPG; ChatPose, Feng et al., CVPR 2024): poses from indirect descriptions.

    ``ann_file`` has ``{"pose_id", "source", "pose": {"axis_angle"}, "sentences": [...]}``, as
    ``tools/make_texts.py speculative_poses`` writes it. Each sentence is a sample: ``record_id`` (the pose and the
    number of the sentence from 1), ``img_path`` None, ``conversations`` (the question of the paper), ``texts``,
    ``poses`` ``[1, 24, 3, 3]`` and ``pose_masks``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an entry is not as above; it is named.
    """

    METAINFO: dict = dict(dataset_name='spg')

    def load_data_list(self) -> List[dict]:
        """The samples in the order of the file."""
        samples, ids = [], set()
        for place, entry in read_entries(str(self.ann_file), 'speculative poses'):
            name, sentences = str(entry.get('pose_id', '')), entry.get('sentences')
            if not name or name in ids:
                raise ValueError(f'{place}: pose_id must be there and unique, got {entry.get("pose_id")!r:.60}.')
            ids.add(name)
            if not isinstance(sentences, list) or not sentences or not all(map(is_text, sentences)):
                raise ValueError(f'{place}: sentences must be a list of texts, got {sentences!r:.60}.')
            try:
                pose = read_pose(entry.get('pose'))
            except ValueError as error:
                raise ValueError(f'{place}: {error}') from error
            for number, sentence in enumerate(sentences, 1):
                own = dict(record_id=f'{name}/{number}', img_path=None, texts=[sentence.strip()])
                samples.append(dict(own, conversations=conversation(sentence, image=False), **pose))
        if not samples:
            raise ValueError(f'speculative poses {self.ann_file} has no entries.')
        return samples
