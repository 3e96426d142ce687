import re
from typing import Optional, Tuple

import numpy as np
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS

LARGEST = 0.999  # three digits after the point cannot write more below 1
ANSWER = re.compile(r'\[\s*([01]\.\d+)\s*,\s*([01]\.\d+)\s*\]')
PUBLISHED = re.compile(r'0\.\d+')


@KEYPOINT_CODECS.register_module()
class CoordinateAnswer(BaseKeypointCodec):
    """Keypoints as fractions of the network input, which CapeLLM writes as text (Kim et al., ICCV 2025, section 3.2).

    Fractions are x / w and y / h, so the center of the input is (0.5, 0.5). Unlike :class:`RegressionLabel`, a keypoint
    in the last row or column of pixels is labeled, as published.

    Args:
        input_size: (w, h) of the network input.
    """

    label_mapping_table = dict(keypoint_labels='keypoint_labels', keypoint_weights='keypoint_weights')

    def __init__(self, input_size: Tuple[int, int]):
        super().__init__()
        self.input_size = input_size

    def encode(self, keypoints: np.ndarray, keypoints_visible: Optional[np.ndarray] = None) -> dict:
        """Encode the keypoints of N instances.

        Args:
            keypoints: ``[N, K, 2]``, (x, y) in pixels of the network input.
            keypoints_visible: ``[N, K]``; None: all are visible.

        Returns:
            dict: ``keypoint_labels [N, K, 2]``, fractions, and ``keypoint_weights [N, K]``: 1 for visible keypoints
            with 0 <= x < w and 0 <= y < h, otherwise 0.
        """
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], np.float32)
        inside = ((keypoints >= 0) & (keypoints < np.array(self.input_size))).all(axis=-1)
        return dict(
            keypoint_labels=(keypoints / np.array(self.input_size)).astype(np.float32),
            keypoint_weights=(inside & (keypoints_visible >= 1)).astype(np.float32),
        )

    def decode(self, encoded: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Decode fractions.

        Args:
            encoded: ``[N, K, 2]``, fractions.

        Returns:
            tuple: ``[N, K, 2]``, (x, y) in pixels of the network input, and scores ``[N, K]``, all 1.
        """
        return encoded * np.array(self.input_size, encoded.dtype), np.ones(encoded.shape[:2], np.float32)


def format_answer(x: float, y: float) -> str:
    """Write a keypoint as ``'[0.123,0.456]'``.

    The published code writes ``1.000`` from 0.9995 on, which its parser cannot read; here it is ``0.999``.

    Args:
        x, y: fractions of the network input, 0 to 1.

    Raises:
        ValueError: a fraction is not from 0 to 1.
    """
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(f'x and y must be fractions from 0 to 1, got ({x}, {y}).')
    x, y = (min(abs(value), LARGEST) for value in (x, y))  # abs: no '-0.000'
    return f'[{x:.3f},{y:.3f}]'


def parse_answer(text: str) -> Optional[Tuple[float, float]]:
    """Read the first ``[x,y]`` of a text whose x and y are from 0 to 1; None if there is none."""
    for found in ANSWER.finditer(text):
        x, y = map(float, found.groups())
        if x <= 1 and y <= 1:
            return x, y
    return None


def parse_published(text: str) -> Tuple[float, float]:
    """Read the first two numbers ``0.…`` of a text as the published code does; a number that is missing is 0.

    ``1.000`` is not such a number, so ``'[0.500,1.000]'`` is (0.5, 0).
    """
    x, y, *_ = [*map(float, PUBLISHED.findall(text)[:2]), 0.0, 0.0]
    return x, y
