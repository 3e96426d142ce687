"""Human correctness (FocusCLIP, appendix A.4): sentences for Label Studio, and the ratings that come back."""

import random
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from clamp_mmpose.utils.files import read_json

from .measures import has_words
from .scores import ImageScores, Scores, sum_by_image
from .splitting import sentences
from .texts import Text, without_repeats

LEVELS = ('Wrong', 'Partly wrong', 'Neutral', 'Mostly correct', 'Correct')  # 1 to 5
NAME = 'correctness'  # of the control in the labeling interface
FIELDS = ('image_name', 'sentence', 'model')
REMEDY = 'give the JSON that Label Studio exports (not JSON-MIN or CSV) for the tasks of --label-studio-export'
LABELING_CONFIG = f"""<View>
  <Image name="image" value="$image"/>
  <Text name="sentence" value="$sentence"/>
  <Header value="How correct is the sentence about the image?"/>
  <Choices name="{NAME}" toName="image" choice="single-radio" required="true" showInline="true">
{chr(10).join(f'    <Choice value="{level}" hotkey="{number}"/>' for number, level in enumerate(LEVELS, 1))}
  </Choices>
</View>
"""


class Rating(NamedTuple):
    """The levels, 1 to 5, that the raters gave to a sentence of a text about an image."""

    image: str
    sentence: str
    levels: Tuple[int, ...]


class Ratings(NamedTuple):
    """Rated sentences, and the number of sentences that nobody rated."""

    rows: List[Rating]
    unrated: int

    def correctness(self) -> ImageScores:
        """The mean level of sentences, each the mean of its raters, times 20: percent as in the paper's Table 3.

        The worst level is 20 %.
        """
        levels = np.array([np.mean(row.levels) for row in self.rows])
        texts = [Text(row.sentence, row.image) for row in self.rows]
        return sum_by_image(Scores(20 * levels, np.ones(len(levels))), texts)

    def level_shares(self) -> Dict[str, float]:
        """The percentage of the ratings at each level, the bars of Fig. A2."""
        counts = Counter(level for row in self.rows for level in row.levels)
        return {name: 100 * counts[level] / sum(counts.values()) for level, name in enumerate(LEVELS, 1)}


def rating_tasks(files: Mapping[str, Sequence[Text]], images: int, seed: int, prefix: str) -> List[dict]:
    """Tasks of Label Studio, one for each sentence about images that are drawn from those of all files.

    Their order is random, and the labeling interface does not show the model, which stays in the task's data.

    Args:
        files: name of the model -> its texts.
        images: how many to draw; all if there are fewer (the paper: 100).
        seed: of the draw and the order.
        prefix: the address of an image is this and its file name.

    Raises:
        ValueError: no image is in all files.
    """
    written = {model: [text for text in without_repeats(texts) if has_words(text)] for model, texts in files.items()}
    named = [{text.image for text in texts if text.image is not None} for texts in written.values()]
    common = sorted(set.intersection(*named))
    if not common:
        raise ValueError(f'no image has texts in all of {", ".join(files)}: give files about the same images.')
    draw = random.Random(seed)
    drawn = set(draw.sample(common, min(images, len(common))))
    tasks = [
        dict(data=dict(image=prefix + text.image, sentence=sentence, image_name=text.image, model=model))
        for model, texts in written.items()
        for text in texts
        if text.image is not None and text.image in drawn
        for sentence in sentences(text.text, 'paragraph')
        if has_words(Text(sentence))
    ]
    draw.shuffle(tasks)
    return tasks


def read_ratings(file: Union[str, Path]) -> Dict[str, Ratings]:
    """Read the JSON export of Label Studio, with ratings of one or several people.

    Skipped tasks and empty annotations do not count. Levels are those of the exported labeling interface, or 1 to 5
    stars of a ``<Rating name="correctness">``.

    Returns:
        dict[str, Ratings]: of each model, in the order of the names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another format, a rating that is not one of the levels (the task is named), or a model without
            ratings.
    """
    rated: Dict[str, List[Rating]] = {}
    for number, task in enumerate(read_json(file, 'ratings', REMEDY, expected=list)):
        place = f'ratings {file}, task {task.get("id", number) if isinstance(task, dict) else number}'
        data = task.get('data') if isinstance(task, dict) else None
        if not isinstance(data, dict) or not isinstance(task.get('annotations'), list):
            raise ValueError(f'{place}: expected {{"data", "annotations"}}, got {str(task)[:60]}; {REMEDY}.')
        lacking = [field for field in FIELDS if not isinstance(data.get(field), str)]
        if lacking:
            raise ValueError(f'{place}: its data has no {", ".join(lacking)}; {REMEDY}.')
        levels = [_level(annotation, place) for annotation in task['annotations']]
        given = tuple(level for level in levels if level is not None)
        rated.setdefault(data['model'], []).append(Rating(data['image_name'], data['sentence'], given))
    without = [model for model, rows in rated.items() if not any(row.levels for row in rows)]
    if without or not rated:
        raise ValueError(f'ratings {file}: no sentence is rated' + (f' of {", ".join(without)}.' if without else '.'))
    return {
        model: Ratings([row for row in rows if row.levels], sum(not row.levels for row in rows))
        for model, rows in sorted(rated.items())
    }


def _level(annotation: Any, place: str) -> Optional[int]:
    """The level of an annotation; None if it was skipped or is empty."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get('result', []), list):
        raise ValueError(f'{place}: an annotation must be {{"result": [...]}}, got {annotation!r:.60}; {REMEDY}.')
    result = annotation.get('result', [])
    if annotation.get('was_cancelled') or not result:
        return None
    named = [row for row in result if isinstance(row, dict) and row.get('from_name') == NAME]
    value = named[0].get('value') if len(named) == 1 else None
    value = value if isinstance(value, dict) else {}
    chosen = value.get('rating', value.get('choices'))
    chosen = chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else chosen
    if isinstance(chosen, str) and chosen in LEVELS:
        return LEVELS.index(chosen) + 1
    if isinstance(chosen, int) and not isinstance(chosen, bool) and 1 <= chosen <= len(LEVELS):
        return chosen
    raise ValueError(
        f'{place}: expected one result named {NAME!r} that is 1 to 5 or one of {", ".join(LEVELS)}, got {result!r:.80}.'
    )
