"""What a data set asks a language model; :mod:`clamp_mmpose.engine.conversations` counts it."""

from typing import Iterator, List, NamedTuple

from .findings import Finding

SHOWN = 3


class ConversationCounts(NamedTuple):
    """Counts over the texts of a data set.

    Args:
        longest: tokens of the longest conversation, those of the image included.
        image: tokens of the image.
        limit: tokens that the language model reads.
        too_long: for each object whose conversation is longer, what to do.
        objects: lists of keypoints, such as those of a category.
        undescribed: names of the keypoints that have no description although the instruction gives it.
        keypoints: of all objects together.
        unlabeled: samples without a labeled keypoint, see :class:`KeypointRounds`.
        samples: of the data set.
    """

    longest: int
    image: int
    limit: int
    too_long: List[str]
    objects: int
    undescribed: List[str]
    keypoints: int
    unlabeled: int
    samples: int

    @property
    def length(self) -> str:
        """How long the conversations are."""
        return (
            f'the longest conversation takes {self.longest:,} tokens, {self.image:,} of them for the image; the '
            f'language model reads {self.limit:,}'
        )

    @property
    def descriptions(self) -> str:
        """How many descriptions are missing."""
        named = ', '.join(map(repr, dict.fromkeys(self.undescribed[:SHOWN])))
        return f'{len(self.undescribed):,} of {self.keypoints:,} keypoints have no description, such as {named}'

    @property
    def labels(self) -> str:
        """How many samples have no label."""
        return f'{self.unlabeled:,} of {self.samples:,} samples have no labeled keypoint'


def conversation_findings(counts: ConversationCounts, model: str) -> Iterator[Finding]:
    """What the data check reports about a data set.

    Args:
        model: name of the language model.
    """
    for fault in counts.too_long:
        yield Finding('TX004', model, fault)
    if counts.undescribed:
        yield Finding('TX005', model, counts.descriptions)
    if counts.unlabeled:
        yield Finding('AF011', model, counts.labels)


def uncounted(reason: str) -> Finding:
    """The conversations of a config cannot be counted."""
    return Finding('TX006', 'model', reason)
