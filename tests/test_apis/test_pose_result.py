"""What an inferencer found, as other tools want it."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from clamp_mmpose.apis.formats import PredictedFrame, Skeleton
from clamp_mmpose.apis.pose_result import PoseResult, named_skeleton, predicted_frame


def test_results_convert_themselves(dots_inferencer, trained):
    boxes = [[[4, 4, 40, 60], [0, 0, 64, 64]], []]
    (result,) = dots_inferencer(trained[2][:2], batch_size=2, bboxes=boxes)
    assert isinstance(result, dict) and [len(entry) for entry in result['predictions']] == [2, 0]
    assert [frame.source for frame in result.frames] == trained[2][:2]
    instance = result['predictions'][0][0]
    coco = result.to_coco([7, 9])
    assert [entry['image_id'] for entry in coco] == [7, 7] and coco[0]['bbox'] == [4, 4, 36, 56]
    x, y, score = coco[0]['keypoints'][:3]
    assert [x, y] == pytest.approx(instance['keypoints'][0], abs=1e-4)
    assert score == pytest.approx(instance['keypoint_scores'][0], abs=1e-4)
    assert coco[0]['score'] == pytest.approx(np.mean(instance['keypoint_scores']), abs=1e-4)  # the box was given
    assert result.skeleton.names == tuple(dots_inferencer.keypoint_names)
    again = pickle.loads(pickle.dumps(result))
    assert again == result and again.to_coco() == result.to_coco()


def test_supervision(dots_inferencer, trained):
    supervision = pytest.importorskip('supervision', reason="needs the extra 'io'")
    (result,) = dots_inferencer(trained[2][0], bboxes=[[4, 4, 40, 60], [0, 0, 64, 64]])
    (found,) = result.to_supervision()
    instances = result['predictions'][0]
    assert found.xy == pytest.approx(np.array([entry['keypoints'] for entry in instances]))
    assert found.keypoint_confidence == pytest.approx(np.array([entry['keypoint_scores'] for entry in instances]))
    assert found.data['xyxy'].tolist() == [[4, 4, 40, 60], [0, 0, 64, 64]] and 'tracker_id' not in found.data
    drawn = supervision.VertexAnnotator(radius=1).annotate(np.zeros((64, 64, 3), np.uint8), found)
    assert drawn.any()
    empty = PoseResult({}, [PredictedFrame('a.png', 64, 64)], result.skeleton).to_supervision()[0]
    assert empty.xy.shape == (0, len(result.skeleton.names), 2)


def test_frames_of_a_video(dots_inferencer, trained, tmp_path):
    import cv2

    path = str(tmp_path / 'dots.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 64))
    for image in trained[2][:3]:
        writer.write(cv2.resize(cv2.imread(image), (64, 64)))
    writer.release()
    frames = [frame for result in dots_inferencer(path) for frame in result.frames]
    assert [(Path(frame.source).name, frame.frame) for frame in frames] == [('dots.avi', i) for i in range(3)]
    assert (frames[0].width, frames[0].height) == (64, 64)


def test_the_score_of_an_instance_has_that_of_its_box():
    found = InstanceData(
        keypoints=np.zeros((1, 2, 2)),
        keypoint_scores=np.array([[0.4, 0.8]]),
        bboxes=np.array([[1, 2, 3, 4]]),
        bbox_scores=np.array([0.5]),
    )
    frame = predicted_frame(PoseDataSample(metainfo=dict(ori_shape=(48, 64)), pred_instances=found), 'a.png')
    assert frame.instances[0].score == pytest.approx(0.3) and (frame.width, frame.height) == (64, 48)


def test_skeleton_of_a_data_set_and_of_a_call():
    fields = dict(flip_indices=[0, 2, 1], skeleton_links=[(0, 1), (0, 2)], category=None)
    assert named_skeleton('abc', fields) == Skeleton(('a', 'b', 'c'), ((0, 1), (0, 2)), ((1, 2),), 'animal')
    # names of a call, fields of the model's data set
    assert named_skeleton('ab', fields) == Skeleton(('a', 'b'))
    assert named_skeleton('ab', {}) == Skeleton(('a', 'b'))
