import math
from typing import Dict, List, Optional, Sequence, Tuple, Union, cast

import numpy as np
import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads.base_head import BaseHead
from mmpose.registry import KEYPOINT_CODECS, MODELS
from mmpose.utils.tensor_utils import to_numpy
from mmpose.utils.typing import ConfigType, Features, OptConfigType, OptSampleList, Predictions, SampleList
from torch import Tensor, nn

from clamp_mmpose.codecs.coordinate_answer import format_answer
from clamp_mmpose.language.cape_instruction import CapeInstruction
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.language_models.conversations import Asked, Conversations, check_length
from clamp_mmpose.models.language_models.packing import ANSWER, IMAGE, Packed, Reader, Row, pack
from clamp_mmpose.models.language_models.published import NUM_TOKENS, PublishedTokens
from clamp_mmpose.models.language_models.text_tokens import AnswerTokens
from clamp_mmpose.models.language_models.writing import Writing, last_states, write_digits, write_freely
from clamp_mmpose.models.layers.answers.answer import Answers, joined, merge_mirrored
from clamp_mmpose.models.utils.query_samples import mirror_weights, sample_labels, sample_queries
from clamp_mmpose.models.utils.sub_layers import SubLayer, build_sub_layer
from clamp_mmpose.utils.calibration import calibrated
from clamp_mmpose.utils.choices import check_choice

ANSWERS = dict(text='TextAnswer', token='TokenAnswer', bins='BinsAnswer', pointer='PointerAnswer')
MASKS = ('isolated', 'chained')
ROUNDS_PER_ROW = 8  # in longer rows most of the attention is masked; in shorter ones the image's cache is repeated more
DECODINGS = ('forced', 'published')
NEAR = 0.05  # acc_pose: 5 % of the input, as in MMPose's heads


@MODELS.register_module()
class CapeLLMHead(BaseHead):
    """Asks a language model where keypoints are (CapeLLM, Kim et al., arXiv 2411.06869).

    The image tokens come first; then, for each keypoint, a question with its name and description, and the answer. All
    keypoints of an image are asked after one pass over the image.

    Shapes: B images, K keypoints, C channels of the last feature map, h x w its cells, D width of the language model.

    Args:
        in_channels: C.
        language_model: config of :class:`CausalLanguageModel`.
        decoder: config of the codec, :class:`CoordinateAnswer`.
        names: the keypoints of samples that have none, as for :func:`keypoint_names`.
        projector: from the image tower to the language model: ``'LinearProjector'`` (paper) or ``'MLPProjector'``.
        answer: ``'text'`` (paper), ``'token'`` (Table 8), ``'bins'`` or ``'pointer'``, or a config of
            :class:`TextAnswer`, :class:`TokenAnswer`, :class:`BinsAnswer` or :class:`PointerAnswer`.
        instruction, description, keypoint_list, outline, questions: see :class:`CapeInstruction`.
        rounds_mask: what a round sees in training: ``'chained'``: the rounds before it too, as published;
            ``'isolated'``: the image and itself, as when it is asked.
        decoding: of text answers: ``'forced'``: only digits are written; ``'published'``: 13 free tokens of which the
            numbers are read, (0, 0) if there are none.
        chunk: how many keypoints of an image are asked in one pass, which bounds the memory.

    Raises:
        ValueError: unknown choices; samples without names, labels that differ from them in number, texts beyond the
            context of the language model, or a feature map of other channels.
    """

    def __init__(
        self,
        in_channels: int,
        language_model: ConfigType,
        decoder: ConfigType,
        names: Union[str, dict, Sequence[str], None] = None,
        projector: SubLayer = 'LinearProjector',
        answer: SubLayer = 'text',
        instruction: str = 'base',
        description: bool = True,
        keypoint_list: bool = False,
        outline: bool = False,
        questions: str = 'fixed',
        rounds_mask: str = 'isolated',
        decoding: str = 'forced',
        chunk: int = 32,
        init_cfg: OptConfigType = None,
    ):
        super().__init__(init_cfg)
        check_choice('rounds_mask', rounds_mask, MASKS)
        check_choice('decoding', decoding, DECODINGS)
        if chunk < 1:
            raise ValueError(f'chunk={chunk}, expected at least 1 keypoint.')
        self.in_channels, self.rounds_mask, self.chunk = in_channels, rounds_mask, chunk
        self.instruction = CapeInstruction(instruction, description, keypoint_list, outline, questions)
        self.decoder = KEYPOINT_CODECS.build(decoder)
        self.names = [] if names is None else keypoint_names(names)
        self.default_queries = TextQueries.create(self.names) if self.names else None
        self.language_model = MODELS.build(language_model)
        self.tokens = self.language_model.tokens
        width = self.language_model.embed_dims
        self.projector = build_sub_layer(projector, 'LinearProjector', in_channels=in_channels, out_channels=width)
        self.answer = build_sub_layer(_answer_type(answer), 'TextAnswer', width=width)
        text = not hasattr(self.answer, 'loss')
        if not text:
            self.language_model.freeze_output_layer()
            self.answer_embedding = nn.Parameter(torch.randn(width) * 0.02)  # in place of the text's tokens
            if not self.instruction.answers_with_points:
                raise ValueError(f"instruction={instruction!r} asks for names: it needs answer='text'.")
        self.answer_tokens = AnswerTokens(self.tokens, self.language_model.model_name) if text else None
        if decoding == 'published' and not (text and instruction == 'base'):
            raise ValueError("decoding='published' needs answer='text' and instruction='base'.")
        self.published = PublishedTokens(self.language_model.tokenizer) if decoding == 'published' else None
        self.conversations = Conversations(self.instruction, self.tokens, self.answer_tokens, self.published)

    def queries(self, batch_data_samples: OptSampleList, batch_size: int) -> List[TextQueries]:
        """The queries of each sample, else those of the head's names."""
        return sample_queries(batch_data_samples, batch_size, self.default_queries)

    @torch.no_grad()
    def forward(self, feats: Tuple[Tensor, ...], queries: Optional[Sequence[TextQueries]] = None) -> Answers:
        """Backbone features and the queries of each image (None: the head's names) -> answers.

        Points ``[B, K, 2]`` and scores ``[B, K]``; heatmaps ``[B, K, h, w]`` of a pointer, otherwise None. K is the
        largest number of queries, and rows beyond an image's own are padding.
        """
        if not self.instruction.answers_with_points:
            raise ValueError(
                f'instruction={self.instruction.kind!r} trains the projector by names and finds no keypoints: load its '
                "checkpoint into a head with instruction='base'."
            )
        image, size = self._image_tokens(feats)
        queries = queries or self.queries(None, len(image))
        prefixes, questions = zip(*(self.conversations.questions(query, image.shape[1]) for query in queries))
        packed = pack(prefixes, image.device)
        reader = Reader(self.language_model, keep=True)
        hidden = reader.read(self._embed(packed, image), packed.segments, packed.positions)
        states = self._image_states(packed, hidden, image)
        parts = []
        for start in range(0, max(map(len, questions)), self.chunk):
            asked = [own[start : start + self.chunk] for own in questions]
            parts.append(self._ask(reader, prefixes, asked, queries, states, size))
        return joined(parts)

    def _ask(
        self,
        reader: Reader,
        prefixes: Sequence[Row],
        asked: Sequence[Sequence[Sequence[int]]],
        queries: Sequence[TextQueries],
        image: Tensor,
        size: Tuple[int, int],
    ) -> Answers:
        """The answers to some questions about each image; ``image [B, h * w, D]`` are the states of its tokens."""
        number = max(map(len, asked))
        copies = math.ceil(number / ROUNDS_PER_ROW)
        each = math.ceil(number / copies)
        rows, ends = [], []
        for prefix, own, query in zip(prefixes, asked, queries):
            for first in range(0, each * copies, each):
                row = Row(prefix.shared)
                ends.append([row.add(tokens, i) for i, tokens in enumerate(own[first : first + each], 1)])
                model = self.language_model
                check_length(row, model.max_length, query, model.model_name, self.conversations.rest)
                rows.append(row)
        packed = pack(rows, image.device)
        reader = reader.copied(copies)
        hidden = reader.read(self._embed(packed, image[:, :0]), packed.segments, packed.positions)
        states, segments = last_states(hidden, ends)
        if self.answer_tokens is None:
            owners = torch.arange(len(image), device=image.device).repeat_interleave(copies * each)
            found = self.answer(states.flatten(0, 1), image[owners], size)
        else:
            index = torch.tensor([[*own, *[0] * (each - len(own))] for own in ends], device=image.device)
            writing = Writing(reader, states, segments, packed.positions.gather(1, index) + 1)
            if self.published is not None:
                answers = Answers(*self.published.read_all(*write_freely(writing, NUM_TOKENS, [self.tokens.end])))
            else:
                answers = self.answer(write_digits(writing, self.answer_tokens))
            found = answers.each(lambda part: part.flatten(0, 1))
        return found.each(lambda part: part.unflatten(0, (len(image), copies * each))[:, :number])

    def _image_tokens(self, feats: Tuple[Tensor, ...]) -> Tuple[Tensor, Tuple[int, int]]:
        """Features -> image tokens ``[B, h * w, D]`` and (h, w)."""
        feature_map = feats[-1] if feats[-1].ndim == 4 else feats[0]  # CLIP towers may add their global embedding
        if feature_map.shape[1] != self.in_channels:
            raise ValueError(
                f'the feature map has {feature_map.shape[1]} channels, the head in_channels='
                f'{self.in_channels}: set in_channels to those of the backbone.'
            )
        return self.projector(feature_map), (feature_map.shape[2], feature_map.shape[3])

    def _embed(self, packed: Packed, image: Tensor) -> Tensor:
        """Embeddings of packed rows ``[B, L, D]``, with the image tokens ``[B, T, D]`` at their places."""
        embeddings = self.language_model.embed(packed.ids.clamp(min=0))
        if self.answer_tokens is None:
            answer = self.answer_embedding.to(embeddings.dtype)
            embeddings = torch.where((packed.ids == ANSWER)[..., None], answer, embeddings)
        places = (packed.ids == IMAGE)[..., None].expand_as(embeddings)
        return embeddings.masked_scatter(places, image.to(embeddings.dtype))

    @staticmethod
    def _image_states(packed: Packed, hidden: Tensor, image: Tensor) -> Tensor:
        """The states of the image tokens, ``[B, T, D]``."""
        return hidden[packed.ids == IMAGE].view(*image.shape[:2], hidden.shape[2])

    @property
    def reads_descriptions(self) -> bool:
        """Whether questions contain the descriptions."""
        return self.instruction.description

    @property
    def has_score_maps(self) -> bool:
        """Whether each keypoint has a heatmap, as from a pointer."""
        return getattr(self.answer, 'has_heatmaps', False)

    def score_map(self, feats: Tuple[Tensor, ...], queries: Optional[Sequence[TextQueries]] = None) -> Tensor:
        """Heatmaps of a pointer, ``[B, K, h, w]``, scaled to a maximum of 1.

        Raises:
            ValueError: other answers have none.
        """
        heatmaps = self.forward(feats, queries).heatmaps
        if heatmaps is None:
            raise ValueError(f"{type(self.answer).__name__} has no score maps; a head with answer='pointer' has.")
        return heatmaps / heatmaps.amax(dim=(2, 3), keepdim=True)

    def predict(
        self, feats: Features, batch_data_samples: SampleList, test_cfg: Optional[ConfigType] = None
    ) -> Predictions:
        """One keypoint for each text of a sample, (x, y) in pixels of the network input.

        The score is the probability of the coordinates around the answer, 0 to 1, calibrated by
        ``test_cfg['temperature']``, see :class:`ConfidenceAUROC`. ``test_cfg['output_texts']`` adds
        ``keypoint_questions`` and ``keypoint_answers`` ``[1, K]``, and ``test_cfg['output_score_maps']`` the
        ``score_maps [K, h, w]`` of a pointer to the fields.
        """
        test_cfg = test_cfg or {}
        queries = self.queries(batch_data_samples, len(batch_data_samples))
        views = cast(Sequence[Tuple[Tensor, ...]], feats if test_cfg.get('flip_test', False) else [feats])
        answers = [self.forward(view, queries) for view in views]  # of the image and its mirror image
        instances, fields = [], []
        for b, query in enumerate(queries):
            number = len(query.keypoint_names)
            own, *mirrored = [view.each(lambda part, b=b, number=number: part[b, :number]) for view in answers]
            if mirrored:
                own = merge_mirrored(own, *mirrored, query.flip_indices, own.points.new_tensor(mirror_weights(query)))
            points, scores, maps = own
            keypoints, _ = self.decoder.decode(to_numpy(points[None].float()))
            calibrated_scores = calibrated(to_numpy(scores[None].float()), test_cfg.get('temperature', 1.0))
            instance = InstanceData(keypoints=keypoints, keypoint_scores=calibrated_scores)
            if test_cfg.get('output_texts', False):
                instance.keypoint_questions = self._questions(query)
                written = [format_answer(*point) for point in points.float().clamp(0, 1).tolist()]
                instance.keypoint_answers = np.array([written], object)
            instances.append(instance)
            if maps is not None:
                fields.append(PixelData(score_maps=(maps / maps.amax(dim=(1, 2), keepdim=True)).float()))
        return (instances, fields) if fields and test_cfg.get('output_score_maps', False) else instances

    def _questions(self, query: TextQueries) -> np.ndarray:
        """What is asked about each keypoint, ``[1, K]`` strings."""
        turns = [self.instruction.turns(query, k)[-1] for k in range(len(query.keypoint_names))]
        return np.array([[' '.join(filter(None, (turn.question, turn.reference))) for turn in turns]], object)

    def loss(
        self, feats: Tuple[Tensor, ...], batch_data_samples: SampleList, train_cfg: Optional[ConfigType] = None
    ) -> Dict[str, Tensor]:
        """``loss_text``, ``loss_token``, ``loss_bins`` or ``loss_pointer``; ``acc_pose``; ``redraws``.

        The loss is the mean over the labeled tokens, or keypoints, of all processes. ``redraws`` counts the samples
        that :class:`KeypointRounds` replaced because none of their keypoints is labeled.

        Raises:
            ValueError: a sample has no labels, or not one text for each keypoint.
        """
        image, size = self._image_tokens(feats)
        queries = self.queries(batch_data_samples, len(batch_data_samples))
        rows, asked, points = self._training_rows(batch_data_samples, queries, image.shape[1])
        packed = pack(rows, image.device)
        hidden = Reader(self.language_model).read(self._embed(packed, image), packed.segments, packed.positions)
        places = torch.tensor(asked, device=image.device, dtype=torch.long).view(-1, 3)
        targets = torch.stack(points) if points else image.new_zeros(0, 2)
        states = self._image_states(packed, hidden, image)
        if self.answer_tokens is not None:
            each = self.language_model.token_loss(hidden, packed.labels)
        else:
            each = self.answer.loss(hidden[places[:, 0], places[:, 1]], states[places[:, 0]], size, targets)
        count = each.new_tensor(float(len(each)))
        all_reduce(count)
        loss = each.sum() * get_world_size() / count.clamp(min=1)
        redraws = sum(sample.get('redraws', 0) for sample in batch_data_samples)
        losses = {self.answer.loss_name: loss, 'redraws': each.new_tensor(float(redraws))}
        if self.instruction.answers_with_points:
            losses['acc_pose'] = self._accuracy(hidden, states, size, places, targets)
        return losses

    def _training_rows(
        self, samples: SampleList, queries: Sequence[TextQueries], num_image_tokens: int
    ) -> Tuple[List[Row], List[Asked], List[Tensor]]:
        """The conversation about each sample, where its answers are, and their points ``[2]``."""
        rows, asked, targets = [], [], []
        for b, (sample, query) in enumerate(zip(samples, queries)):
            points, weights = sample_labels(sample, query, 'CoordinateAnswer')
            chosen = sample.get('rounds', range(len(points)))
            labeled = [k for k in chosen if weights[k] > 0]
            rounds = [(k, tuple(points[k].tolist())) for k in labeled]
            # torch's generator, which is seeded in each epoch
            wordings = torch.randint(self.instruction.num_wordings, (len(rounds),)).tolist()
            row, own = self.conversations.training_row(
                query, num_image_tokens, rounds, self.rounds_mask == 'chained', wordings, b
            )
            name = f'sample {sample.get("id", "")} of {sample.get("img_path", "an image")}: '
            model = self.language_model
            check_length(row, model.max_length, query, model.model_name, sample=name)
            rows.append(row)
            asked += own
            targets += [points[k] for k in labeled]
        return rows, asked, targets

    @torch.no_grad()
    def _accuracy(self, hidden: Tensor, image: Tensor, size: Tuple[int, int], asked: Tensor, targets: Tensor) -> Tensor:
        """Share of the answers within 5 % of the input; text answers as written after the true digits."""
        if not len(asked):
            return targets.new_zeros(())
        if self.answer_tokens is None:
            found = self.answer(hidden[asked[:, 0], asked[:, 1]], image[asked[:, 0]], size)
        else:
            steps = torch.arange(self.answer_tokens.steps, device=asked.device) - 1  # a state predicts the next token
            places = torch.cat([asked[:, 1:2] + steps, asked[:, 2:3] + steps], dim=1)
            logits = self.language_model.logits(hidden[asked[:, :1], places], self.answer_tokens.digits)
            found = self.answer(list(logits.softmax(dim=-1).unbind(dim=1)))
        return ((found.points - targets).norm(dim=-1) < NEAR).float().mean()


def _answer_type(answer: SubLayer) -> SubLayer:
    if not isinstance(answer, str) or answer in ANSWERS:
        return ANSWERS[answer] if isinstance(answer, str) else answer
    if MODELS.get(answer) is None:
        check_choice('answer', answer, tuple(ANSWERS))
    return answer
