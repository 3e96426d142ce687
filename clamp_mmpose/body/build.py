from torch import nn

from .skeleton_body import SkeletonBody


def build_body(kind: str) -> nn.Module:
    """Build a body.

    Every body has ``name``, ``joint_names``, ``parents`` and ``faces`` (``[F, 3]``, None for a body without surface),
    and is called with rotations ``[B, 24, 3, 3]``, and optionally betas and a translation ``[B, 3]``; see
    :class:`SkeletonBody`.

    Args:
        kind: 'skeleton', 'anny' (``pip install 'clamp_mmpose[body]'``), or a file of SMPL, SMPL-H or SMPL-X.

    Raises:
        FileNotFoundError: no such file.
        ImportError: anny is not installed.
        ValueError: the file is not one of a body.
    """
    if kind == 'skeleton':
        return SkeletonBody()
    if kind == 'anny':
        from .anny_body import AnnyBody

        return AnnyBody()
    from .smpl_body import SmplBody
    from .smpl_files import read_body_file

    return SmplBody(read_body_file(kind))
