"""Which boxes the frames of a video are searched in, and which results are kept."""

import numpy as np
import pytest

from clamp_mmpose.apis.video.find import FrameFinder


class Finds:
    """Takes the place of an inferencer: in frame i, keypoints are 100 + 10 i to 140 + 10 i pixels from the left.

    ``boxes`` are those that each frame was given; ``score`` is that of (frame, whether it had a box).
    """

    two_pass = finds_one = True

    def __init__(self, score=lambda number, boxed: 0.9):
        self.boxes, self.score = {}, score

    def __call__(self, images, batch_size, bboxes, pose_based_nms):
        for i, image in enumerate(images):
            number = int(image[0, 0, 0])
            if bboxes:
                self.boxes.setdefault(number, []).append(bboxes[i][0])
            yield dict(
                predictions=[
                    [
                        dict(
                            keypoints=[[100 + 10 * number, 10], [140 + 10 * number, 50]],
                            keypoint_scores=[self.score(number, bboxes is not None)] * 2,
                            bbox=[bboxes[i][0] if bboxes else (0, 0, 300, 100)],
                            bbox_score=1.0,
                        )
                    ]
                ]
            )


def find(finds, number, rate):
    return FrameFinder(finds, 'a.mp4', rate)(
        range(number), [np.full((100, 300, 3), i, np.uint8) for i in range(number)]
    )


def test_the_box_is_that_of_the_nearest_frame():
    """Frames 0 and 4 are searched as a whole; their keypoints are around 120 and 160."""
    finds = Finds()
    find(finds, 5, rate=16)
    centers = {number: (boxes[0][0] + boxes[0][2]) / 2 for number, boxes in finds.boxes.items()}
    assert centers == {1: pytest.approx(120), 2: pytest.approx(120), 3: pytest.approx(160)}


@pytest.mark.parametrize('whole, kept', [(0.1, 0.3), (0.4, 0.4)])
def test_a_second_search_counts_if_it_has_a_better_score(whole, kept):
    finds = Finds(lambda number, boxed: 0.9 if number != 1 else 0.3 if boxed else whole)
    found = find(finds, 3, rate=8)
    assert [frame.instances[0].score for frame in found] == pytest.approx([0.9, kept, 0.9])
