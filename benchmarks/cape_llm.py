"""Times CapeLLM: asking against the published way, isolated rounds against chained ones, the head's own code."""

import multiprocessing
import re
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Dict, NamedTuple, Optional, Sequence

import torch
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.models.builder import build_pose_estimator
from mmpose.structures import PoseDataSample
from torch import Tensor, nn
from torch.utils.benchmark import Measurement

from clamp_mmpose.language.cape_instruction import CapeInstruction
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.language_models.packing import IMAGE
from clamp_mmpose.models.language_models.published import NUM_TOKENS, PublishedTokens
from clamp_mmpose.utils.files import to_json

from .models import alternate, milliseconds, train_on

CATEGORIES = {17: 'person', 68: 'face_68_points'}  # shipped texts by number of keypoints
LANGUAGE_MODEL = dict(  # SmolLM2-135M
    model_type='llama',
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    vocab_size=49152,
    max_position_embeddings=8192,
    tie_word_embeddings=True,
)
# 4 % of the language model's parameters, as DINOv2-L beside Llama-3.1-8B; 224 x 224 pixels are 256 tokens
TOWER = dict(
    model_type='dinov2', hidden_size=192, num_hidden_layers=12, num_attention_heads=3, patch_size=14, image_size=224
)
VOCABULARY = 500  # of the tokenizer: questions as long as with SmolLM2's, 53 tokens for a person and 65 for a face
PUBLISHED_BATCH = 15  # keypoints that the published way asks at once


class AskingTimings(NamedTuple):
    """All keypoints of one image, by the head and as published, and the number of keypoints."""

    ours: Measurement
    published: Measurement
    keypoints: int


class TrainingTimings(NamedTuple):
    """A training step of 8 isolated rounds, of 8 chained rounds, of 1 round, and of 8 without the models' layers."""

    isolated: Measurement
    chained: Measurement
    single: Measurement
    head_alone: Measurement


def build_model(tune: str, **head) -> nn.Module:
    """An estimator with random weights; ``tune`` is ``'lora'``, or ``'frozen'``: LoRA is merged to ask."""
    init_default_scope('mmpose')
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        write_tokenizer(Path(folder))
        size = TOWER['image_size']
        return build_pose_estimator(
            dict(
                type='TopdownPoseEstimator',
                backbone=dict(type='TransformersBackbone', config=dict(TOWER), tune=tune),
                head=dict(
                    type='CapeLLMHead',
                    in_channels=TOWER['hidden_size'],
                    language_model=dict(
                        type='CausalLanguageModel', tokenizer=folder, config=dict(LANGUAGE_MODEL), tune=tune
                    ),
                    decoder=dict(type='CoordinateAnswer', input_size=(size, size)),
                    **head,
                ),
            )
        )


def write_tokenizer(folder: Path) -> None:
    """A byte-level tokenizer with single digits, trained on the shipped texts."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r'\d|\s?[^\s\d]+|\s+'), 'isolated'),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    texts = []
    for category in load_texts().values():
        query = TextQueries.create(category.names, category.descriptions, flip_indices=category.flip_indices)
        texts += [f'\n{CapeInstruction().turns(query, k)[0].prompt} [' for k in range(len(category.names))]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=['<end>'],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / 'tokenizer.json'))
    config = dict(tokenizer_class='PreTrainedTokenizerFast', eos_token='<end>', pad_token='<end>')
    (folder / 'tokenizer_config.json').write_text(to_json(config, 'the tokenizer'))


def sample_of(keypoints: int, rounds: Optional[Sequence[int]] = None) -> PoseDataSample:
    """The texts of a category with so many keypoints, and random labels."""
    category = next(one for one in load_texts().values() if one.slug == CATEGORIES[keypoints])
    sample = PoseDataSample(
        metainfo=dict(keypoint_names=category.names, keypoint_descriptions=category.descriptions, id=0)
    )
    if rounds is not None:
        sample.set_metainfo(dict(rounds=list(rounds)))
    labels = torch.rand(1, keypoints, 2, generator=torch.Generator().manual_seed(0))
    sample.gt_instance_labels = InstanceData(keypoint_labels=labels, keypoint_weights=torch.ones(1, keypoints))
    return sample


@torch.no_grad()
def ask_as_published(model: nn.Module, image: Tensor, sample: PoseDataSample) -> Tensor:
    """The tokens of all answers, ``[K, 13]``, as the release generates them (Junhojuno/CapeLLM, 21175cb).

    Each row of a batch has the image and one question, padded on the left. The tower runs in each decoding step, and
    the output layer on all tokens, as there.
    """
    head, language_model = model.head, model.head.language_model
    (query,) = head.queries([sample], 1)
    tokens = PublishedTokens(language_model.tokenizer)
    written = []
    for start in range(0, len(query.keypoint_names), PUBLISHED_BATCH):
        asked = range(len(query.keypoint_names))[start : start + PUBLISHED_BATCH]
        images = image.repeat(len(asked), 1, 1, 1)
        num_image_tokens = head.projector(model.backbone(image)[-1]).shape[1]
        texts = [f'\n{head.instruction.turns(query, keypoint)[0].prompt}' for keypoint in asked]
        rows = [[*head.tokens.start, *[IMAGE] * num_image_tokens, *tokens.prompt(text)] for text in texts]
        longest = max(map(len, rows))
        ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
        answers, cache = [], None
        for step in range(NUM_TOKENS):
            image_tokens = head.projector(model.backbone(images)[-1])
            if step == 0:
                embeddings = language_model.embed(ids.clamp(min=0))
                embeddings = embeddings.masked_scatter((ids == IMAGE)[..., None], image_tokens)
            else:
                embeddings = language_model.embed(answers[-1][:, None])
                mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
            positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -embeddings.shape[1] :]
            output = language_model.decoder(
                inputs_embeds=embeddings,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
            cache = output.past_key_values
            logits = language_model.logits(output.last_hidden_state)[:, -1]
            logits[:, head.tokens.end] = -torch.inf  # the release bans the end of the text
            answers.append(logits.argmax(dim=-1))
        written.append(torch.stack(answers, dim=1))
    return torch.cat(written)


def asking(keypoints: int, pairs: int) -> AskingTimings:
    """Time the keypoints of one image, from the normalized image to points."""
    model = build_model('frozen').eval()
    size = model.head.decoder.input_size[0]
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    sample = sample_of(keypoints)

    @torch.no_grad()
    def ours(sample: PoseDataSample = sample) -> None:
        model.head.predict(model.extract_feat(image), [sample])

    ours(sample_of(17))  # the first run of all is slower
    timings = alternate([ours, lambda: ask_as_published(model, image, sample)], pairs, warmup=0)
    return AskingTimings(*timings, keypoints)


def asking_memory(chunks: Sequence[int], keypoints: int = 68) -> Dict[int, float]:
    """Peak MiB of asking in a separate process for each chunk, beyond the models (Linux only, otherwise NaN)."""
    found = {}
    for chunk in chunks:
        with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
            found[chunk] = pool.submit(_asking_memory, chunk, keypoints).result()
    return found


@torch.no_grad()
def _asking_memory(chunk: int, keypoints: int) -> float:
    torch.set_num_threads(1)
    model = build_model('frozen', chunk=chunk).eval()
    size = model.head.decoder.input_size[0]
    image = torch.rand(1, 3, size, size)
    model.head.predict(model.extract_feat(image), [sample_of(17)])
    before = memory('VmRSS')
    forget_peak()
    model.head.predict(model.extract_feat(image), [sample_of(keypoints)])
    return memory('VmHWM') - before


def memory(name: str) -> float:
    """MiB of this process now ('VmRSS') or at its peak ('VmHWM'); NaN unless on Linux."""
    status = Path('/proc/self/status')
    return int(re.search(rf'{name}:\s+(\d+) kB', status.read_text())[1]) / 2**10 if status.exists() else float('nan')


def forget_peak() -> None:
    """Let the peak begin anew."""
    path = Path('/proc/self/clear_refs')
    if path.exists():
        path.write_text('5')


def training(pairs: int) -> TrainingTimings:
    """Time forward, backward and optimizer step on one image, with LoRA."""
    isolated, chained = build_model('lora'), build_model('lora', rounds_mask='chained')
    alone = without_layers(build_model('lora'))
    size = isolated.head.decoder.input_size[0]
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    rounds = range(0, 16, 2)
    eight, one = sample_of(17, rounds), sample_of(17, rounds[:1])
    steps = [
        train_on(model.train(), image, [sample])
        for model, sample in ((isolated, eight), (chained, eight), (isolated, one), (alone, eight))
    ]
    return TrainingTimings(*alternate(steps, pairs, warmup=1))


def without_layers(model: nn.Module) -> nn.Module:
    """The tower gives a trained map, the language model its embeddings as states, and its output layer given logits."""
    image = model.head.decoder.input_size[0]
    side = image // model.backbone.stride
    feature = nn.Parameter(torch.rand(1, model.backbone.embed_dims, side, side))
    llm = model.head.language_model.llm
    logits = torch.rand(1024, llm.config.vocab_size)
    model.backbone.forward = lambda img: (feature,)
    model.head.language_model.decoder.forward = lambda inputs_embeds, **_: SimpleNamespace(
        last_hidden_state=inputs_embeds, past_key_values=None
    )
    llm.get_output_embeddings().forward = lambda hidden: logits[: len(hidden)] + hidden[:, :1]
    return model


def asking_summary(timings: AskingTimings) -> Dict[str, float]:
    """The results for the JSON file."""
    ours, published = map(milliseconds, timings[:2])
    return dict(
        keypoints=timings.keypoints,
        median_ms=ours,
        published_ms=published,
        ratio=published / ours,
        runs=len(timings.ours.times),
        **_versions(),
    )


def training_summary(timings: TrainingTimings) -> Dict[str, float]:
    """The results for the JSON file: ``keypoints_ratio`` is that of keypoints per second, 8 isolated rounds over 1."""
    isolated, chained, single, alone = map(milliseconds, timings)
    return dict(
        isolated_ms=isolated,
        chained_ms=chained,
        single_ms=single,
        head_alone_ms=alone,
        isolated_ratio=isolated / chained,
        keypoints_ratio=8 * single / isolated,
        head_share=alone / isolated,
        runs=len(timings.isolated.times),
        **_versions(),
    )


def _versions() -> Dict[str, object]:
    import transformers

    return dict(torch=torch.__version__, transformers=transformers.__version__, threads=torch.get_num_threads())
