"""Check instruction data: turns, image tags, images, and the tokens that a model learns."""

import os
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
from mmpose.registry import TRANSFORMS

from clamp_mmpose.body.pose_entries import pose_fault
from clamp_mmpose.checkpoints.hub import from_hub
from clamp_mmpose.codecs.chat_tokens import IGNORED, ChatTokens
from clamp_mmpose.codecs.conversations import conversation_faults, count_in_answers
from clamp_mmpose.datasets.files.images import image_size
from clamp_mmpose.datasets.instructions.instruction_dataset import InstructionDataset
from clamp_mmpose.datasets.instructions.records import image_names, read_entries, record_fault
from clamp_mmpose.datasets.transforms.tokenize_conversation import TokenizeConversation

from .findings import Finding, reason_of
from .images import ImageCheck, image_findings
from .report import DatasetReport

CODES = dict(
    structure='CV001',
    speaker='CV002',
    order='CV003',
    empty='CV004',
    tags='CV005',
    untagged='CV006',
    first_answer='CV007',
)
MISSING = 'IM004'
POSE_TOKEN = '<POSE>'  # if the pipeline names none
LARGEST_ANGLE = 4 * np.pi  # radians


class Record(NamedTuple):
    """A record without faults of its own; ``paths``: of its images."""

    record_id: str
    conversations: List[dict]
    paths: List[str]


class TokenCounts(NamedTuple):
    """Counts over the records of a data set.

    Args:
        lengths: record id and tokens of each conversation, those of its images included.
        learned: how many tokens are learned, of all conversations together.
        unlearned: record id and fault of each record of which nothing can be learned.
        unread: records whose images cannot be read.
    """

    lengths: List[Tuple[str, int]]
    learned: int
    unlearned: List[Tuple[str, str]]
    unread: int

    @property
    def summary(self) -> str:
        """How long the conversations are, and how much of them is learned."""
        record_id, longest = max(self.lengths, key=lambda item: item[1], default=('', 0))
        share = self.learned / max(sum(length for _, length in self.lengths), 1)
        return (
            f'the longest of {len(self.lengths):,} conversations takes {longest:,} tokens (record {record_id!r}); '
            f'{share:.0%} of all tokens are learned'
        )

    def longer_than(self, limit: Optional[int]) -> List[Tuple[str, int]]:
        """The conversations with more tokens."""
        return [] if limit is None else [item for item in self.lengths if item[1] > limit]


def check_instructions(dataset: dict, where: str, how: ImageCheck) -> DatasetReport:
    """Check an :class:`InstructionDataset`, given by its config at ``where``."""
    try:
        built = InstructionDataset(**{**_arguments(dataset), 'lazy_init': True, 'pipeline': []})
    except (TypeError, ValueError) as error:
        return DatasetReport([Finding('CF004', str(dataset['type']), reason_of(error))])
    findings: List[Finding] = []
    records: List[Record] = []
    number = 0
    for path in built.ann_files:
        try:
            for place, entry in read_entries(path):
                number += 1
                findings += record_findings(entry, f'{path.name}, {place}', built.data_prefix.get('img') or '', records)
                findings += pose_findings(entry, f'{path.name}, {place}', _pose_token(dataset.get('pipeline') or ()))
        except FileNotFoundError:
            findings.append(Finding('AF001', str(path)))
        except ValueError as error:
            findings.append(Finding('AF002', str(path), reason_of(error)))
    paths = list(dict.fromkeys(path for record in records for path in record.paths))
    digests: Dict[str, bytes] = {}
    faults = list(image_findings([dict(file_name=path) for path in paths], '', how, where, digests))
    if built.missing_images == 'skip':
        missing = [fault for fault in faults if fault.code == MISSING]
        faults = [fault for fault in faults if fault.code != MISSING]
        if missing:
            findings.append(Finding('CV011', missing[0].item, f'images that do not exist: {len(missing):,}'))
    findings += faults
    findings += _token_findings(dataset.get('pipeline') or (), records)
    return DatasetReport(findings, paths, number, digests=digests)


def record_findings(entry: Any, place: str, folder: str, records: List[Record]) -> Iterator[Finding]:
    """Faults of a record; it is added to ``records`` if it can be used."""
    fault = record_fault(entry)
    if fault:
        yield Finding('CV001', place, fault)
        return
    name = f'record {entry["id"]!r}' if 'id' in entry else place
    names = image_names(entry)
    faults = list(conversation_faults(entry['conversations'], len(names)))
    found = [Finding(CODES[fault.kind], name, fault.text) for fault in faults]
    yield from found
    if not any(finding.level == 'error' for finding in found):
        paths = [os.path.join(folder, image) for image in names]
        records.append(Record(str(entry.get('id', place)), entry['conversations'], paths))


def pose_findings(entry: Any, place: str, token: Optional[str]) -> Iterator[Finding]:
    """Faults of the 3D poses of a record; ``token``: the pose token of the pipeline, if it has one."""
    if record_fault(entry) or ('poses' not in entry and not token):
        return
    poses, token = entry.get('poses', []), token or POSE_TOKEN
    name = f'record {entry["id"]!r}' if 'id' in entry else place
    turns = [turn for turn in entry['conversations'] if isinstance(turn, dict) and isinstance(turn.get('value'), str)]
    written = count_in_answers([turn for turn in turns if 'from' in turn], token)
    if written != len(poses):
        yield Finding('CV012', name, f'{len(poses)} poses for {written} {token}')
    for i, pose in enumerate(poses):
        fault = pose_fault(pose)
        if fault:
            yield Finding('CV013', name, f'pose {i}: {fault[1]}')
            continue
        angle = np.linalg.norm(np.array(pose['axis_angle'], float), axis=1).max()
        if angle > LARGEST_ANGLE:
            yield Finding('CV014', name, f'pose {i}: {angle:.1f} radians')


def _pose_token(pipeline: Any) -> Optional[str]:
    config = next((step for step in pipeline if _is_tokenizing(step)), {})
    return config.get('pose_token')


def count_tokens(chat: ChatTokens, records: Iterable[Record]) -> TokenCounts:
    """Count the tokens of records, from the headers of their images."""
    sizes: Dict[str, Tuple[int, int]] = {}
    lengths, unlearned, learned, unread = [], [], 0, 0
    for record in records:
        try:
            sizes.update({path: image_size(path) for path in record.paths if path not in sizes})
        except (OSError, ValueError):  # which the check of the images reports
            unread += 1
            continue
        images = [sizes[path] for path in record.paths]
        try:
            ids, labels = chat.encode(record.conversations, images, record.record_id)
        except ValueError as error:
            unlearned.append((record.record_id, str(error)))
            continue
        learned += int((labels != IGNORED).sum())
        lengths.append((record.record_id, len(ids)))
    return TokenCounts(lengths, learned, unlearned, unread)


def context_of(processor: str) -> Optional[int]:
    """The tokens that the language model of a folder or name reads; None if there is no configuration of a model."""
    if Path(processor).is_dir() and not (Path(processor) / 'config.json').is_file():
        return None
    from transformers import AutoConfig

    return getattr(from_hub(AutoConfig, processor).get_text_config(), 'max_position_embeddings', None)


def _token_findings(pipeline: Any, records: List[Record]) -> Iterator[Finding]:
    config = next((step for step in pipeline if _is_tokenizing(step)), None)
    if config is None or not records:
        return
    try:
        transform = TRANSFORMS.build(dict(config))
        context = context_of(config['processor'])
    except Exception as error:  # a processor that is not here, no transformers
        yield Finding('TX006', str(config.get('processor')), reason_of(error))
        return
    counts = count_tokens(transform.chat, records)
    if counts.unread:
        found = f'images of {counts.unread:,} of {len(records):,} records cannot be read here'
        yield Finding('TX006', config['processor'], found)
    for record_id, fault in counts.unlearned:
        yield Finding('CV008', f'record {record_id!r}', fault)
    limit = min([limit for limit in (transform.max_length, context) if limit is not None], default=None)
    handled = transform.too_long != 'error' and transform.max_length == limit
    for record_id, length in counts.longer_than(limit):
        yield Finding('CV010' if handled else 'CV009', f'record {record_id!r}', f'{length:,} tokens, limit {limit:,}')


def _is_tokenizing(step: Any) -> bool:
    kind = step.get('type') if isinstance(step, dict) else None
    return (TRANSFORMS.get(kind) if isinstance(kind, str) else kind) is TokenizeConversation


def _arguments(dataset: dict) -> dict:
    return {key: value for key, value in dataset.items() if key not in ('type', 'pipeline')}
