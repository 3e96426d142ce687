"""The quality of files of texts, of which each is measured alone and against the first."""

from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Union

from clamp_mmpose.evaluation.bootstrap import Interval

from .measures import MEASURES, has_words, leaks_of, percent, text_scores
from .scores import ImageScores, Scores, difference, sum_by_image, summarize
from .texts import Text, without_repeats

ScoreTexts = Callable[[Sequence[Text]], Dict[str, Scores]]


class FileQuality(NamedTuple):
    """The quality of a file of texts.

    Attributes:
        texts: number of texts in the file.
        images: number of images that they name.
        repeated: descriptions that their image has already, left out.
        wordless: texts without a word, left out of all measures.
        leak_kinds: number of texts with each kind of leak.
        values: measure -> value and interval; None: no text has a value.
        scores: measure -> values of the images.
    """

    texts: int
    images: int
    repeated: int
    wordless: int
    leak_kinds: Dict[str, int]
    values: Dict[str, Optional[Interval]]
    scores: Dict[str, ImageScores]


def assess(texts: Sequence[Text], n: int = 3, others: Sequence[ScoreTexts] = ()) -> FileQuality:
    """Measure the texts of a file.

    Args:
        texts: from :func:`read_texts`.
        n: of the n-grams.
        others: compute more measures of texts that have words each.
    """
    kept = without_repeats(texts)
    measured = [text for text in kept if has_words(text)]
    leaks = [leaks_of(text) for text in measured]
    by_text = dict(text_scores(measured, n), leaks=percent([bool(kinds) for kinds in leaks]))
    for score in others:
        by_text.update(score(measured))
    scores = {name: sum_by_image(by_text[name], measured) for name in MEASURES if name in by_text}
    return FileQuality(
        texts=len(texts),
        images=len({text.image for text in texts if text.image is not None}),
        repeated=len(texts) - len(kept),
        wordless=len(kept) - len(measured),
        leak_kinds=dict(Counter(kind for kinds in leaks for kind in kinds).most_common()),
        values={name: summarize(values) for name, values in scores.items()},
        scores=scores,
    )


def with_measure(quality: FileQuality, name: str, scores: ImageScores) -> FileQuality:
    """Add a measure of which only a part of the texts has values, such as human ratings."""
    return quality._replace(values={**quality.values, name: summarize(scores)}, scores={**quality.scores, name: scores})


def differences(first: FileQuality, other: FileQuality) -> Dict[str, Interval]:
    """What the other file has more than the first, on the images of both, for each measure of both."""
    found = {name: difference(first.scores[name], other.scores[name]) for name in first.scores if name in other.scores}
    return {name: value for name, value in found.items() if value is not None}


def shared_images(first: FileQuality, other: FileQuality) -> int:
    """The number of images with texts in both files."""
    names = [{name for name in quality.scores['length'].names if isinstance(name, str)} for quality in (first, other)]
    return len(names[0] & names[1])


def short_names(files: Sequence[Union[str, Path]]) -> List[str]:
    """Names of files without their suffix, with as many of their folders as tell them apart.

    Raises:
        ValueError: a file is given twice.
    """
    paths = [Path(file).resolve().with_suffix('') for file in files]
    if len(set(paths)) < len(paths):
        raise ValueError(f'expected different files, got {", ".join(map(str, files))}.')
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = ['/'.join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise AssertionError('different paths have different names')


def as_dict(quality: FileQuality) -> Dict[str, Any]:
    """For JSON."""
    measures = {
        name: None if value is None else dict(value._asdict(), texts=quality.scores[name].texts)
        for name, value in quality.values.items()
    }
    counts = dict(texts=quality.texts, images=quality.images, repeated=quality.repeated, wordless=quality.wordless)
    return dict(counts, leak_kinds=quality.leak_kinds, measures=measures)
