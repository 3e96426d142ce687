"""The pose prior of SMPLify (Bogo et al., ECCV 2016, eq. 4), from the user's own licensed ``gmm_08.pkl``."""

import math
import zipfile
from pathlib import Path
from typing import Union

import numpy as np
import torch
from torch import Tensor

from clamp_mmpose.body.smpl_joints import NUM_JOINTS
from clamp_mmpose.checkpoints.array_pickles import read_array_pickle

SIZE = 3 * (NUM_JOINTS - 1)
KEYS = ('means', 'covars', 'weights')


class GmmPrior:
    """A mixture of Gaussians over the axis-angle vectors of joints 1 to 23.

    Args:
        means: ``[K, 69]`` radians.
        covars: ``[K, 69, 69]``.
        weights: ``[K]``, which sum to 1.

    Raises:
        ValueError: other shapes, numbers that are not finite, weights that are none, or a covariance that is not
            symmetric and positive definite.
    """

    def __init__(self, means: np.ndarray, covars: np.ndarray, weights: np.ndarray) -> None:
        arrays = [np.asarray(array, np.float64) for array in (means, covars, weights)]
        number = len(arrays[2]) if arrays[2].ndim == 1 else 0
        expected = [(number, SIZE), (number, SIZE, SIZE), (number,)]
        if number < 1 or [array.shape for array in arrays] != expected:
            raise ValueError(
                f'a pose prior has means [K, {SIZE}], covars [K, {SIZE}, {SIZE}] and weights [K], got '
                f"{', '.join(str(list(array.shape)) for array in arrays)}: give SMPLify's gmm_08.pkl."
            )
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError('a pose prior has numbers that are not finite: copy the file again.')
        if not (arrays[2] > 0).all() or abs(arrays[2].sum() - 1) > 1e-3:
            raise ValueError(f'the weights of a pose prior must be positive and sum to 1, got {arrays[2].tolist()}.')
        self.means, covariances, self.weights = map(torch.from_numpy, arrays)
        factors, failed = torch.linalg.cholesky_ex(covariances)
        if failed.any() or not torch.allclose(covariances, covariances.mT, atol=1e-6):
            raise ValueError('a covariance of the pose prior is not symmetric and positive definite.')
        self.factors = factors

    @property
    def mean(self) -> Tensor:
        """``[23, 3]`` axis-angle."""
        return (self.weights @ self.means).reshape(-1, 3)

    def __call__(self, pose: Tensor) -> Tensor:
        """Negative log likelihood ``[B]`` of the component that fits best.

        SMPLify's differs by a constant, since it divides the determinants by the smallest one.

        Args:
            pose: ``[B, 23, 3]`` axis-angle in radians.
        """
        means, factors, weights = (part.to(pose) for part in (self.means, self.factors, self.weights))
        away = (pose.flatten(1)[:, None] - means).permute(1, 2, 0)  # [K, 69, B]
        squared = torch.linalg.solve_triangular(factors, away, upper=False).square().sum(1)
        volume = factors.diagonal(dim1=-2, dim2=-1).log().sum(-1) + SIZE / 2 * math.log(2 * math.pi)
        return (squared / 2 + (volume - weights.log())[:, None]).min(0).values


def read_gmm_prior(path: Union[str, Path]) -> GmmPrior:
    """Read SMPLify's ``gmm_08.pkl``, or an ``.npz`` with the same names, without executing code in it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds code, is damaged, or is no pose prior.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'pose prior {path} does not exist (looked in {Path.cwd()}): check the path; gmm_08.pkl comes with '
            'SMPLify, https://smplify.is.tue.mpg.de, under its own license.'
        )
    if zipfile.is_zipfile(path):
        try:
            with np.load(path, allow_pickle=False) as file:
                content = {key: file[key] for key in file.files}
        except Exception as error:  # a damaged archive raises errors of any kind
            raise ValueError(f'pose prior {path} cannot be read ({type(error).__name__}: {error!s:.80}).') from error
    else:
        content = read_array_pickle(path, 'pose prior')
    if not isinstance(content, dict) or not set(KEYS) <= set(content):
        raise ValueError(f"pose prior {path} must be a dict of {', '.join(KEYS)}: give SMPLify's gmm_08.pkl.")
    try:
        return GmmPrior(*(content[key] for key in KEYS))
    except (ValueError, TypeError) as error:  # arrays of objects too
        raise ValueError(f'{path}: {error}') from error
