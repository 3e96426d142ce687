import logging
from typing import Any, List, Optional

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmpose.registry import DATASETS

from .benchmark_files import conversation, image_path, is_text, read_entries, read_pose
from .pose_records import checked_box

ASPECTS = ('behavior', 'shape', 'outfits', 'pose', 'summary')


@DATASETS.register_module()
class ReasonedPoses(BaseDataset):
    """Reasoning-based pose estimation (RPE; ChatPose, Feng et al., CVPR 2024): the pose of one of several people.

    ``ann_file`` has ``{"image", "box", "person", "pose": {"axis_angle"} | null, "descriptions": {"behavior", "shape",
    "outfits", "pose", "summary"}}``, as ``tools/make_texts.py person_descriptions`` writes it. Each description is a
    sample about the whole image: ``record_id``, ``person`` (image and person), ``aspect``, ``img_path``, ``bbox``,
    ``conversations`` (the question of the paper), ``texts``, ``poses`` ``[1, 24, 3, 3]`` and ``pose_masks``.

    Args:
        data_prefix: ``img``: folder of the images.
        kwargs: as for MMEngine's ``BaseDataset``.

    Attributes:
        without_pose: people who are left out.
        missing: of each aspect, the people without a description.

    Raises:
        FileNotFoundError: the file or an image does not exist.
        ValueError: an entry is not as above; it is named.
    """

    METAINFO: dict = dict(dataset_name='rpe')

    def __init__(self, *args: Any, data_prefix: Optional[dict] = None, **kwargs: Any):
        super().__init__(*args, data_prefix=data_prefix or dict(img=''), **kwargs)

    def load_data_list(self) -> List[dict]:
        """The samples in the order of the file."""
        samples, people = [], set()
        self.without_pose, self.missing = 0, dict.fromkeys(ASPECTS, 0)
        for place, entry in read_entries(str(self.ann_file), 'person descriptions'):
            person = f'{entry.get("image")}#{entry.get("person")}'
            if entry.get('person') is None or person in people:
                raise ValueError(f'{place}: person must be there, and unique in the image, got {person!r:.80}.')
            people.add(person)
            if entry.get('pose') is None:
                self.without_pose += 1
                continue
            try:
                samples += self._samples(entry, person)
            except ValueError as error:
                raise ValueError(f'{place}: {error}') from error
        if not samples:
            raise ValueError(f'person descriptions {self.ann_file}: no person has a pose and a description.')
        self._log(len(people))
        return samples

    def _samples(self, entry: dict, person: str) -> List[dict]:
        texts = entry.get('descriptions')
        if not isinstance(texts, dict) or not set(texts) <= set(ASPECTS):
            raise ValueError(f'descriptions must be texts of {", ".join(ASPECTS)}, got {texts!r:.80}.')
        common = dict(
            person=person,
            img_path=image_path(self.data_prefix['img'], entry.get('image')),
            bbox=None if entry.get('box') is None else checked_box(entry['box']),
            **read_pose(entry['pose']),
        )
        samples = []
        for aspect in ASPECTS:
            if not is_text(texts.get(aspect)):
                self.missing[aspect] += 1
                continue
            own = dict(record_id=f'{person}/{aspect}', aspect=aspect, texts=[texts[aspect].strip()])
            samples.append(dict(common, **own, conversations=conversation(texts[aspect], image=True)))
        return samples

    def _log(self, people: int) -> None:
        missing = ', '.join(f'{aspect} {number:,}' for aspect, number in self.missing.items() if number)
        left_out = [f'{self.without_pose:,} have no pose'] if self.without_pose else []
        left_out += [f'descriptions are missing: {missing}'] if missing else []
        if left_out:
            print_log(f'{self.ann_file}: of {people:,} people {"; ".join(left_out)}.', 'current', logging.WARNING)
