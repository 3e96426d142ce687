import re
from typing import Dict, List, NamedTuple, Sequence, Tuple, Union

from clamp_mmpose.language.keypoint_names import keypoint_names, mirrored_indices, skeleton_links


class KeypointQueries(NamedTuple):
    """What a user asks for: names, or whole descriptions, and pairs of them that are joined."""

    names: List[str]
    links: List[Tuple[int, int]]

    @classmethod
    def parse(
        cls,
        keypoints: Union[str, Sequence[str]],
        skeleton: Union[str, Sequence[Sequence[int]]] = (),
    ) -> 'KeypointQueries':
        """Read names and skeleton as a user writes them.

        Args:
            keypoints: names, or one string with commas between them (a name that needs a comma comes in a list).
            skeleton: pairs of indices from 0, or such as ``'0-2,1-2'``.

        Raises:
            ValueError: no, empty or repeated names, or a skeleton beyond them.
        """
        if isinstance(keypoints, str):
            keypoints = keypoints.split(',')
        names = keypoint_names(list(keypoints))
        if isinstance(skeleton, str):
            pairs = [pair.strip() for pair in skeleton.split(',')] if skeleton.strip() else []
            wrong = [pair for pair in pairs if not re.fullmatch(r'\d+\s*-\s*\d+', pair)]
            if wrong:
                raise ValueError(
                    f'a skeleton is written as pairs of indices from 0, such as "0-2,1-2"; got {wrong[0]!r}.'
                )
            skeleton = [[int(end) for end in pair.split('-')] for pair in pairs]
        return cls(names, skeleton_links(skeleton, len(names)))

    def fields(self) -> Dict[str, list]:
        """As a data set would give them."""
        return dict(keypoint_names=self.names, skeleton_links=self.links, flip_indices=mirrored_indices(self.names))
