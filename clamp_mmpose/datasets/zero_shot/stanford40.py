import re
from pathlib import Path
from typing import Any, List

from mmpose.registry import DATASETS

from clamp_mmpose.datasets.files.tables import read_rows
from clamp_mmpose.utils.choices import check_choice

from .zero_shot_dataset import ZeroShotDataset

ACTIVITIES = (
    'applauding',
    'blowing_bubbles',
    'brushing_teeth',
    'cleaning_the_floor',
    'climbing',
    'cooking',
    'cutting_trees',
    'cutting_vegetables',
    'drinking',
    'feeding_a_horse',
    'fishing',
    'fixing_a_bike',
    'fixing_a_car',
    'gardening',
    'holding_an_umbrella',
    'jumping',
    'looking_through_a_microscope',
    'looking_through_a_telescope',
    'phoning',
    'playing_guitar',
    'playing_violin',
    'pouring_liquid',
    'pushing_a_cart',
    'reading',
    'riding_a_bike',
    'riding_a_horse',
    'rowing_a_boat',
    'running',
    'shooting_an_arrow',
    'smoking',
    'taking_photos',
    'texting_message',
    'throwing_frisby',
    'using_a_computer',
    'walking_the_dog',
    'washing_dishes',
    'watching_TV',
    'waving_hands',
    'writing_on_a_board',
    'writing_on_a_book',
)


@DATASETS.register_module()
class Stanford40Dataset(ZeroShotDataset):
    """Stanford 40 Actions (Yao et al., "Human Action Recognition by Learning Bases of Action Attributes and Parts",
    ICCV 2011): whole images, each of one of 40 activities.

    Reads ``ImageSplits/<split>.txt``, whose lines name images of ``JPEGImages``: ``<activity>_<number>.jpg``.

    Args:
        split: ``'test'`` or ``'train'``.
        kwargs: as for :class:`ZeroShotDataset`.

    Raises:
        FileNotFoundError: the list of the split does not exist.
        ValueError: another split, an image of an unknown activity, other activities in ``ImageSplits/actions.txt``.
    """

    METAINFO: dict = dict(dataset_name='Stanford40')
    task = 'Activity'
    top_k = 3
    classes = ACTIVITIES
    words = tuple(activity.replace('_', ' ') for activity in ACTIVITIES)
    templates = ('a photo of a person {}',)
    ensemble = ('a photo of someone {}', 'a photo of a person who is {}', 'a picture of people {}')

    def __init__(self, split: str = 'test', **kwargs: Any):
        check_choice('Stanford40Dataset: split', split, ('train', 'test'))
        self.split = split
        super().__init__(**kwargs)

    def read_samples(self) -> List[dict]:
        path = self.path('ImageSplits', f'{self.split}.txt')
        _check_activities(path.with_name('actions.txt'))
        samples = []
        for place, (name,) in read_rows(path, 1):
            found = re.fullmatch(r'(.+)_\d+\.jpg', name)
            if not found or found[1] not in ACTIVITIES:
                raise ValueError(f'{place}: {name!r} is not <activity>_<number>.jpg of one of the 40 activities.')
            samples.append(self.sample(path.parents[1] / 'JPEGImages' / name, [ACTIVITIES.index(found[1])]))
        return samples


def _check_activities(path: Path) -> None:
    """Check the file: a header, then an activity and its number of images per line; it may be missing."""
    if not path.exists():
        return
    names = {activity for _, (activity, _) in read_rows(path, 2)} - {'action_name'}
    lacking, others = sorted(set(ACTIVITIES) - names), sorted(names - set(ACTIVITIES))
    if lacking or others:
        raise ValueError(f'{path} lacks {lacking} and has {others} besides the activities of Stanford 40 Actions.')
