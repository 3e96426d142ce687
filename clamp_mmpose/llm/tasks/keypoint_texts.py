import json
import re
import tempfile
import textwrap
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import yaml

from clamp_mmpose.language.category_texts import INDEX, load_texts
from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.language.keypoint_layout import joined_facts, keypoint_layout
from clamp_mmpose.llm.prompts import load_prompt
from clamp_mmpose.llm.request import Message, Request
from clamp_mmpose.utils.files import atomic_write, check_writable

from .keypoint_answer import KeypointText, check_keypoint_texts, counterparts, parse_keypoint_texts
from .task import Made, TextTask

NEAREST = 3
WIDTH = 118  # of a line


class KeypointTexts(TextTask):
    """A draft of names and one-sentence descriptions for a new category's keypoints, from its annotations, as a folder
    in the format of ``language/texts`` (CapeLLM, section 3.2), which :func:`load_texts` reads: for ``MP100Dataset``'s
    ``texts``, CapeLLM and the text-query head.

    All categories that share keypoints get the same texts, from one request. Somebody must read the draft: only the
    number of texts, different names, and sides are checked.

    Args:
        subject: what the object is called in the texts; None: the category, or 'object' for several.
        supercategory: of the index.
        settings: of the requests, such as ``temperature`` and ``max_tokens``; they override the model's.
        published: there is no published prompt; must be False.
        prompt: path of an own prompt file; None: that of the package.
    """

    def __init__(
        self,
        subject: Optional[str] = None,
        supercategory: str = 'own',
        settings: Optional[Dict[str, Any]] = None,
        published: bool = False,
        prompt: Optional[str] = None,
    ):
        if published:
            raise ValueError('keypoint_texts has no published prompt: remove published=True.')
        self.subject, self.supercategory = subject, supercategory
        self.settings = dict(settings or {})
        self.prompt = load_prompt(prompt or 'keypoint_texts', ['count', 'subject'])

    def requests(self, images: Sequence[ImageFacts]) -> List[Request]:
        """One for each list of keypoints, in the order of their first image."""
        groups: Dict[Tuple[str, ...], List[ImageFacts]] = {}
        for facts in images:
            groups.setdefault(tuple(facts.keypoint_names), []).append(facts)
        return [self.request(joined_facts(group, self._subject(group))) for group in groups.values()]

    def request(self, facts: ImageFacts) -> Request:
        """The prompt, and the keypoints as JSON; ``facts`` has all instances, see :func:`joined_facts`."""
        system = self.prompt.system.format(count=len(facts.keypoint_names), subject=facts.image)
        user = json.dumps(_keypoints(facts), ensure_ascii=False, allow_nan=False)
        messages = (Message(role='system', content=system), Message(role='user', content=user))
        return Request(f'keypoint_texts/{facts.image}', messages, self.prompt.id, self.settings, facts)

    def parse(self, request: Request, text: str) -> List[KeypointText]:
        """K names and descriptions that fit the annotations, see :func:`check_keypoint_texts`."""
        assert request.facts is not None
        texts = parse_keypoint_texts(text)
        check_keypoint_texts(texts, request.facts.keypoint_names, request.facts.flip_indices)
        return texts

    def check_path(self, path: Path) -> None:
        """A folder that has no texts yet: texts that were corrected by hand must not be lost."""
        if path.suffix or (path / INDEX).exists() or path.is_file():
            raise ValueError(f'{path}: keypoint_texts needs the name of a new folder for the texts.')
        check_writable(path / INDEX)

    def write(self, path: Path, made: Sequence[Made]) -> None:
        """``mp100.yml`` and a file for each layout, after they have been checked by :func:`load_texts`."""
        files = self._files(made)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                Path(folder, name).write_text(content, encoding='utf-8')
            load_texts(folder)
        for name, content in files.items():  # the index last
            atomic_write(path / name, content.encode())

    def _subject(self, group: Sequence[ImageFacts]) -> str:
        categories = {instance.category for facts in group for instance in facts.instances}
        return self.subject or (re.sub(r'[\s_]+', ' ', categories.pop()) if len(categories) == 1 else 'object')

    def _files(self, made: Sequence[Made]) -> Dict[str, str]:
        files: Dict[str, str] = {}
        entries: List[str] = []
        taken: Dict[int, str] = {}
        for one in made:
            facts = one.request.facts
            assert facts is not None
            layout = _file_name(facts.image, files)
            files[f'{layout}.yml'] = _layout_file(one, facts)
            for name, number in dict.fromkeys((i.category, i.category_id) for i in facts.instances):
                number = number if number is not None and number not in taken else max([0, *taken]) + 1
                taken[number] = name
                entry = dict(
                    id=number,
                    slug=name.strip().lower(),
                    name=re.sub(r'[\s_]+', ' ', name.strip()),
                    supercategory=self.supercategory,
                    num_keypoints=len(facts.keypoint_names),
                    split=1,
                    layout=layout,
                )
                entries.append(yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, width=WIDTH))
        files[INDEX] = '# Categories with texts: id and slug as in the annotations.\n' + ''.join(entries)
        return files


def _keypoints(facts: ImageFacts) -> List[Dict[str, Any]]:
    layout = keypoint_layout(facts.instances)
    names = facts.keypoint_names
    described = []
    for index, name in enumerate(names):
        entry: Dict[str, Any] = dict(index=index, name=name)
        if np.isfinite(layout.mean[index]).all():
            entry['position'] = [round(float(value), 2) for value in layout.mean[index]]
            entry['spread'] = [round(float(value), 2) for value in layout.spread[index]]
        linked = dict.fromkeys(b if a == index else a for a, b in facts.skeleton_links if index in (a, b))
        if linked:
            entry['linked'] = [names[i] for i in linked]
        if facts.flip_indices[index] != index:
            entry['counterpart'] = names[facts.flip_indices[index]]
        entry['nearest'] = [names[i] for i in layout.neighbors(index)[:NEAREST]]
        described.append(entry)
    return described


def _file_name(subject: str, taken: Dict[str, str]) -> str:
    stem = re.sub(r'\W+', '_', subject.lower()).strip('_') or 'object'
    stem = f'{stem}_keypoints' if f'{stem}.yml' == INDEX else stem
    number = 1
    while f'{stem}{"" if number == 1 else f"_{number}"}.yml' in taken:
        number += 1
    return stem if number == 1 else f'{stem}_{number}'


def _layout_file(made: Made, facts: ImageFacts) -> str:
    texts: Sequence[KeypointText] = made.value
    keypoints = [{text.name: text.description} for text in texts]
    flips = counterparts([text.name for text in texts], facts.flip_indices)
    content = yaml.safe_dump(dict(keypoints=keypoints), allow_unicode=True, sort_keys=False, width=WIDTH)
    author = made.provenance.get('model', 'an unknown model')
    swap = [[i, j] for i, j in enumerate(flips) if i < j]
    return (
        f'# Draft by {author}, from {len(facts.instances):,} instances: read and correct it.\n{content}'
        f'{_pairs("skeleton", facts.skeleton_links)}\n{_pairs("swap", swap)}\n'
    )


def _pairs(key: str, pairs: Sequence[Sequence[int]]) -> str:
    return textwrap.fill(f'{key}: {[list(pair) for pair in pairs]}', WIDTH, subsequent_indent='  ')
