"""MMPose's metainfo of a data set as a Python file."""

from typing import List, Sequence, Tuple

from clamp_mmpose.language.sides import side_of

# MMPose's colors, RGB
COLORS = {'left': [0, 255, 0], 'right': [255, 128, 0], None: [51, 153, 255]}


def metainfo_text(
    dataset_name: str,
    names: Sequence[str],
    links: Sequence[Tuple[int, int]],
    swaps: Sequence[Tuple[int, int]],
    sigmas: Sequence[float],
) -> str:
    """The text of a file for ``metainfo=dict(from_file=...)`` of any MMPose data set.

    Args:
        names: K.
        links: pairs of indices.
        swaps: pairs of indices that mirroring exchanges.
        sigmas: K, of object keypoint similarity.
    """
    partner = {**dict(swaps), **{second: first for first, second in swaps}}
    sides = [side_of(name) if i in partner else None for i, name in enumerate(names)]
    lines: List[str] = ['dataset_info = dict(', f'    dataset_name={_literal(dataset_name)},', '    keypoint_info={']
    for i, name in enumerate(names):
        swap = names[partner[i]] if i in partner else ''
        lines.append(
            f"        {i}: dict(name={_literal(name)}, id={i}, color={COLORS[sides[i]]}, type='', "
            f'swap={_literal(swap)}),'
        )
    lines += ['    },', '    skeleton_info={']
    for i, (start, end) in enumerate(links):
        side = sides[start] if sides[start] == sides[end] else None
        lines.append(
            f'        {i}: dict(link=({_literal(names[start])}, {_literal(names[end])}), id={i}, color={COLORS[side]}),'
        )
    lines += [
        '    },',
        f'    joint_weights={[1.0] * len(names)},',
        f'    sigmas={[float(sigma) for sigma in sigmas]},',
        ')',
    ]
    return '\n'.join(lines) + '\n'


def _literal(text: str) -> str:
    """A string of Python that MMEngine, which replaces ``{{...}}`` in configs, leaves as it is."""
    return repr(str(text)).replace('{', '\\x7b').replace('}', '\\x7d')
