"""ChatPose: an answer with poses, against the same answer without them."""

import tempfile
from pathlib import Path
from typing import Any, Dict, List

import torch
from PIL import Image

from benchmarks.instructions import llava_processor
from benchmarks.models import alternate, milliseconds
from clamp_mmpose.models.pose_estimators import ChatPose

SIZES = dict(hidden_size=512, intermediate_size=1376, num_hidden_layers=8, num_attention_heads=8)
TOWER = dict(hidden_size=128, intermediate_size=512, num_hidden_layers=4, num_attention_heads=2)
TEMPLATE = 'vicuna_v1'


def build_model(folder: Path) -> ChatPose:
    """A LLaVA of 30 million parameters with random weights, 576 tokens for an image, and LoRA as it is trained."""
    processor = llava_processor(folder)
    processor.save_pretrained(str(folder))
    tokenizer = processor.tokenizer
    llama = dict(SIZES, model_type='llama', vocab_size=len(tokenizer), max_position_embeddings=2048)
    clip = dict(TOWER, model_type='clip_vision_model', image_size=336, patch_size=14)
    image = tokenizer.convert_tokens_to_ids('<image>')
    config = dict(model_type='llava', text_config=llama, vision_config=clip, image_token_index=image)
    torch.manual_seed(0)
    return ChatPose(config=config, processor=str(folder), template=TEMPLATE).eval()


def pose_answers(tokens: int, poses: int, pairs: int) -> Dict[str, Any]:
    """Milliseconds of both ways for an answer of ``tokens`` tokens with ``poses`` pose tokens, image included."""
    with tempfile.TemporaryDirectory() as folder:
        model = build_model(Path(folder))
    answer = [5] * tokens
    for i in range(poses):
        answer[i * tokens // poses] = model.pose_id
    written: List[int] = []

    def choose(layer: Any, inputs: Any, logits: torch.Tensor) -> None:
        logits[:, -1, answer[len(written) % tokens]] = 1e4
        written.append(1)

    model.token_layers[1].register_forward_hook(choose)  # in both ways
    images = [[Image.new('RGB', (336, 336), (90, 120, 60))]]
    asked = [[{'from': 'human', 'value': '<image>\nleft arm and right leg'}]]
    assert len(model.generate_poses(images, asked, tokens)[0].rotations) == poses
    timings = alternate(
        (lambda: model.generate_poses(images, asked, tokens), lambda: model.generate(images, asked, tokens)), pairs
    )
    ours, plain = map(milliseconds, timings)
    return dict(ms=ours, plain_ms=plain, ratio=ours / plain, tokens=tokens, poses=poses, pairs=pairs)
