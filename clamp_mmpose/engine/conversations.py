"""Counts what CapeLLM's conversations take of the language model's context, without training it."""

import math
from typing import Any, List, Optional, Tuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, MODELS

from clamp_mmpose.data_check.conversations import ConversationCounts, conversation_findings, uncounted
from clamp_mmpose.data_check.findings import Finding, located, reason_of
from clamp_mmpose.datasets.dataset_queries import dataset_queries
from clamp_mmpose.datasets.keypoint_rounds import KeypointRounds
from clamp_mmpose.datasets.nested import nested_datasets
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.heads.cape_llm_head import CapeLLMHead
from clamp_mmpose.models.language_models.conversations import check_length
from clamp_mmpose.models.language_models.packing import Row

POINT = (0.5, 0.5)  # every position takes the same number of tokens
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def check_conversations(cfg: Config) -> List[Finding]:
    """Findings about the conversations of a config whose head is a :class:`CapeLLMHead`; no weights are loaded."""
    init_default_scope('mmpose')  # MMEngine builds the data preprocessor
    kind = _part(_part(cfg, 'model'), 'head').get('type')
    head_class = MODELS.get(kind) if isinstance(kind, str) else kind
    if not (isinstance(head_class, type) and issubclass(head_class, CapeLLMHead)):
        return []
    try:
        with torch.device('meta'):
            model = MODELS.build(cfg.model)
    except Exception as error:  # a tokenizer that is not here, no transformers
        return [uncounted(reason_of(error))]
    findings: List[Finding] = []
    seen = set()
    for loader in LOADERS:
        config = _part(cfg, loader).get('dataset')
        if config is None or repr(config) in seen:  # test_dataloader = val_dataloader
            continue
        seen.add(repr(config))
        try:
            dataset = DATASETS.build(config)
        except Exception:  # check_config says why
            continue
        counts = count_conversations(model, dataset, training=loader == 'train_dataloader')
        findings += located(conversation_findings(counts, model.head.language_model.model_name), f'{loader}.dataset')
    return findings


def count_conversations(model: Any, dataset: Any, training: bool) -> ConversationCounts:
    """Count over the texts of a data set, without its images.

    Args:
        model: a pose estimator with a :class:`CapeLLMHead`; it may be on the meta device.
        training: the keypoints of a sample are in one conversation; otherwise each is asked alone.
    """
    head: CapeLLMHead = model.head
    image = num_image_tokens(model)
    members = [member for member in nested_datasets(dataset) if isinstance(member, KeypointRounds)]
    rounds = (members[-1].rounds if members else None) if training else 1
    described = head.instruction.description and head.instruction.answers_with_points
    objects = list(dataset_queries(dataset))
    if not objects and head.default_queries is not None:
        objects = [head.default_queries]
    longest, too_long, undescribed = 0, [], []
    for queries in objects:
        row = longest_row(head, queries, image, rounds)
        longest = max(longest, max(row.positions) + 1)
        if described:
            undescribed += _undescribed(queries)
        try:
            check_length(row, head.language_model.max_length, queries, head.language_model.model_name)
        except ValueError as error:
            too_long.append(str(error))
    return ConversationCounts(
        longest,
        image,
        head.language_model.max_length,
        too_long,
        len(objects),
        undescribed,
        sum(len(queries.keypoint_names) for queries in objects),
        sum(member.unlabeled for member in members),
        len(dataset),
    )


def longest_row(head: CapeLLMHead, queries: TextQueries, image: int, rounds: Optional[int] = None) -> Row:
    """The longest conversation about an object.

    Args:
        image: number of image tokens.
        rounds: keypoints in one conversation; None: all.
    """

    def row(image_tokens: int, chosen: List[Tuple[int, int]]) -> Row:
        asked, worded = [(k, POINT) for k, _ in chosen], [wording for _, wording in chosen]
        chained = head.rounds_mask == 'chained'
        return head.conversations.training_row(queries, image_tokens, asked, chained, worded, 0)[0]

    number = len(queries.keypoint_names)
    wordings = range(head.instruction.num_wordings)
    single = [max((len(row(0, [(k, wording)])), k, wording) for wording in wordings) for k in range(number)]
    return row(image, [(k, wording) for _, k, wording in sorted(single, reverse=True)[:rounds]])


def num_image_tokens(model: Any) -> int:
    """Cells of the feature map for the decoder's input size."""
    width, height = model.head.decoder.input_size
    training = model.training
    model.eval()
    with torch.no_grad():
        maps = model.extract_feat(torch.zeros(1, 3, height, width, device=next(model.parameters()).device))
    model.train(training)
    return math.prod(next(part.shape[2:] for part in reversed(maps) if part.ndim == 4))


def _part(config: Any, key: str) -> dict:
    part = config.get(key)
    return part if isinstance(part, dict) else {}


def _undescribed(queries: TextQueries) -> List[str]:
    descriptions = queries.keypoint_descriptions or [''] * len(queries.keypoint_names)
    return [name for name, text in zip(queries.keypoint_names, descriptions) if not text]
