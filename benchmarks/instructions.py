"""Instruction data: which tokens of conversations are learned."""

import random
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

from clamp_mmpose.codecs.chat_tokens import IGNORED, ChatTokens

VOCABULARY = (
    'the left right arm leg knee elbow is raised bent straight person man woman stands sits leans on board bench '
    'near water street and looks at camera with both hands while one foot touches ground'
)
WORDS = VOCABULARY.split()
LENGTHS = (25, 25, 25, 25, 25, 110, 110, 180, 180)  # words of an answer: conversation, description, reasoning


def records(number: int) -> List[List[dict]]:
    """Conversations of one round about one image, in the shares of LLaVA-Pose's three types."""
    draw = random.Random(0)

    def text(words: int) -> str:
        return ' '.join(draw.choices(WORDS, k=words))

    return [
        [
            {'from': 'human', 'value': f'<image>\n{text(12)}?'},
            {'from': 'gpt', 'value': f'{text(draw.choice(LENGTHS))}.'},
        ]
        for _ in range(number)
    ]


def llava_processor(folder: Path) -> Any:
    """LLaVA-1.5's processor, 576 tokens for an image, with a byte-level tokenizer that is trained on ``VOCABULARY``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import CLIPImageProcessor, LlavaProcessor, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ['<s>', '</s>', '<image>', '<pad>']
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([VOCABULARY], trainer)
    tokenizer.save(str(folder / 'tokenizer.json'))
    names = dict(bos_token='<s>', eos_token='</s>', pad_token='<pad>', additional_special_tokens=['<image>'])
    return LlavaProcessor(
        image_processor=CLIPImageProcessor(size=dict(shortest_edge=336), crop_size=dict(height=336, width=336)),
        tokenizer=PreTrainedTokenizerFast(tokenizer_file=str(folder / 'tokenizer.json'), **names),
        patch_size=14,
        vision_feature_select_strategy='default',
        num_additional_image_tokens=1,
    )


def chat_labels(number: int) -> Dict[str, float]:
    """Seconds to write ``number`` records as tokens and labels, in one process; images are given by their size."""
    conversations = records(number)
    with tempfile.TemporaryDirectory() as folder:
        chat = ChatTokens(llava_processor(Path(folder)), 'vicuna_v1')
    start = time.perf_counter()
    pairs = [chat.encode(turns, [(640, 480)]) for turns in conversations]
    seconds = time.perf_counter() - start
    learned = sum(int((labels != IGNORED).sum()) for _, labels in pairs)
    tokens = sum(len(ids) for ids, _ in pairs)
    return dict(seconds=seconds, records=number, tokens=tokens / number, learned=learned / number)
