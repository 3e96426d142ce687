import logging
from typing import Dict, List, Optional, Sequence, Tuple

from mmengine.logging import print_log
from mmpose.registry import DATASETS
from torch.utils.data import ConcatDataset

from .zero_shot_dataset import ZeroShotDataset


@DATASETS.register_module()
class ZeroShotTasks(ConcatDataset):
    """Several zero-shot data sets, tested in one run (FocusCLIP, Table 1).

    A data set that does not exist is reported in the log and in ``metainfo['absent']``; the others are tested.

    Args:
        tasks: name -> config of a :class:`ZeroShotDataset`.
        pipeline: for all of them.
        only: names of those to test; None: all.
        templates: as for :class:`ZeroShotDataset`, for all of them; None: those of each data set.
        test_mode: always true.

    Raises:
        ValueError: an unknown name, malformed annotations.
        FileNotFoundError: none of the data sets exists.
    """

    def __init__(
        self,
        tasks: Dict[str, dict],
        pipeline: Sequence[dict],
        only: Optional[Sequence[str]] = None,
        templates: object = None,
        test_mode: bool = True,
    ):
        opened = [open_task(name, tasks[name], pipeline, templates) for name in chosen_tasks(tasks, only)]
        present = [dataset for dataset, absent in opened if absent is None]
        self.absent = [absent for _, absent in opened if absent is not None]
        if not present:
            raise FileNotFoundError(
                'none of the zero-shot data sets exists: ' + ' '.join(row['reason'] for row in self.absent)
            )
        super().__init__(present)

    @property
    def metainfo(self) -> dict:
        return dict(dataset_name='zero-shot', absent=list(self.absent))


def open_task(
    name: str, config: dict, pipeline: Sequence[dict], templates: object = None
) -> Tuple[ZeroShotDataset, Optional[dict]]:
    """Open a data set; if it does not exist, also give the reason: ``dataset``, ``task`` and ``reason``."""
    chosen = {} if templates is None else dict(templates=templates)
    dataset = DATASETS.build(dict(config, pipeline=pipeline, lazy_init=True, **chosen))
    try:
        dataset.full_init()
    except FileNotFoundError as error:
        absent = dict(dataset=dataset.name, task=dataset.task or name, reason=str(error))
        print_log(f'{absent["dataset"]}/{absent["task"]} is absent: {error}', logger='current', level=logging.WARNING)
        return dataset, absent
    return dataset, None


def chosen_tasks(tasks: Dict[str, dict], only: Optional[Sequence[str]]) -> List[str]:
    """The names of the tasks to test.

    Raises:
        ValueError: a name is unknown.
    """
    unknown = [name for name in only or () if name not in tasks]
    if unknown:
        raise ValueError(f'unknown tasks {unknown}: expected some of {", ".join(tasks)}.')
    return list(tasks if only is None else only)
