import copy
from collections import Counter
from dataclasses import replace
from typing import List, Sequence

import numpy as np

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance

from .trained_run import TrainedRun

BATCH = 16


def predict_without_boxes(run: TrainedRun, instances: Sequence[ScoredInstance]) -> List[ScoredInstance]:
    """Predict the instances again as ``predict`` does if it gets no boxes: see :mod:`~clamp_mmpose.apis.two_pass`.

    Args:
        run: the model; without ``find_instances = 'two_pass'`` in its config, nothing is predicted.
        instances: all of the data; those that are alone on their image are predicted.
    """
    categories = {one.category for one in instances}
    if run.config.get('find_instances') != 'two_pass' or len(categories) > 1:
        return []
    counts = Counter(one.image for one in instances)
    alone = [one for one in instances if counts[one.image] == 1]
    inferencer = TextPoseInferencer(copy.deepcopy(run.config), weights=str(run.checkpoint))
    results = list(inferencer([one.image for one in alone], batch_size=BATCH)) if alone else []
    found = [prediction for result in results for prediction in result['predictions']]
    return [
        replace(one, keypoints=np.asarray(own['keypoints'], float), scores=np.asarray(own['keypoint_scores'], float))
        for one, (own,) in zip(alone, found)
    ]
