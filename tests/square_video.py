"""A video drawn here, and a model that finds what it shows."""

import csv

import cv2
import numpy as np
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

WIDTH, HEIGHT, SIDE = 200, 160, 24


def write_video(path, images, rate=8, codec='MJPG'):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, images[0].shape[1::-1])
    assert writer.isOpened()
    for image in images:
        writer.write(image)
    writer.release()
    return str(path)


def corner(index):
    """Top left of the square in frame ``index``; it moves on a circle, 9 pixels a frame."""
    angle = index * 0.18
    return round(88 + 50 * np.cos(angle)), round(68 + 50 * np.sin(angle))


def points(index):
    """The corners and the center of the square in frame ``index``, ``[5, 2]``."""
    x, y = corner(index)
    end = SIDE - 1
    return np.array([[x, y], [x + end, y], [x, y + end], [x + end, y + end], [x + end / 2, y + end / 2]], float)


def square(index):
    image = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
    x, y = corner(index)
    cv2.rectangle(image, (x, y), (x + SIDE - 1, y + SIDE - 1), (255, 255, 255), -1)
    return image


class FindsSquare:
    """Takes the place of a model: keypoints are the corners and the center of what is bright in the crop.

    ``boxes`` are all that it was given; ``bright`` tells object and background apart.
    """

    def __init__(self, bright=lambda crop: crop > 128):
        self.boxes, self.bright = [], bright

    def __call__(self, data):
        samples = []
        for crop, sample in zip(data['inputs'], data['data_samples']):
            self.boxes.append(sample.gt_instances.bboxes[0])
            rows, columns = np.nonzero(self.bright(crop.float().mean(0).numpy()))
            found = len(rows) > 0
            x1, x2, y1, y2 = (columns.min(), columns.max(), rows.min(), rows.max()) if found else (0, 1, 0, 1)
            corners = [[x1, y1], [x2, y1], [x1, y2], [x2, y2], [(x1 + x2) / 2, (y1 + y2) / 2]]
            size, scale, center = (np.array(sample.get(key)) for key in ('input_size', 'input_scale', 'input_center'))
            keypoints = (np.array(corners) / size - 0.5) * scale + center
            instances = InstanceData(
                keypoints=keypoints[None],
                keypoint_scores=np.full((1, 5), 0.9 if found else 0.05),
                keypoints_visible=np.ones((1, 5)),
                bboxes=sample.gt_instances.bboxes,
                bbox_scores=sample.gt_instances.bbox_scores,
            )
            samples.append(PoseDataSample(metainfo=sample.metainfo, pred_instances=instances))
        return samples


def rows(path):
    """{(frame, id): [[x, y, score], ...]} of a table of tracks, with its own few lines of code."""
    found = {}
    with open(path, newline='') as file:
        for row in csv.DictReader(file):
            found.setdefault((int(row['frame']), int(row['id'])), []).append(
                [float(row['x']), float(row['y']), float(row['score'])]
            )
    return {key: np.array(value) for key, value in found.items()}
