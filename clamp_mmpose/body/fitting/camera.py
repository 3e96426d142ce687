from torch import Tensor


def project(points: Tensor, focal: Tensor) -> Tensor:
    """Points in a camera's frame -> pixels from the principal point.

    Args:
        points: ``[B, P, 3]`` meters.
        focal: ``[B]`` pixels.

    Returns:
        ``[B, P, 2]``.
    """
    return focal[:, None, None] * points[..., :2] / points[..., 2:]
