from pathlib import Path
from typing import Iterable, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.utils.files import read_json

from .processor import LONGEST, NUM_TOKENS, VOCABULARY, write_processor
from .tower import ToyVisionConfig, ToyVisionModel

WIDTH, CHANNELS = 128, (24, 48, 96, 96)
BATCH, RATE = 32, 3e-3
SPREAD = WIDTH**-0.5  # of random weights; with the usual 0.02 a small model starts to learn much later


def write_base_model(folder: Path, data: Path, texts: Iterable[str], size: int, epochs: int, seed: int = 0) -> float:
    """Write the LLaVA that is tuned, as transformers reads it; returns the tower's mean error in pixels.

    Its image tower is pretrained to find the poses of the training images, since no CLIP that knows people is at hand;
    the projector and the language model are random.

    Args:
        folder: where to write.
        data: drawn people, with ``images`` and ``annotations/train.json``.
        texts: the tokenizer is trained on them.
        size: pixels of an image.
        epochs: of the pretraining.
        seed: of all random weights.
    """
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    write_processor(folder, texts, size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        images, joints = read_joints(data)
        vision = ToyVisionConfig(size, CHANNELS, joints.shape[1], NUM_TOKENS, WIDTH)
        tower, error = pretrain(ToyVisionModel(vision), images, joints, epochs)
        model = LlavaForConditionalGeneration(
            LlavaConfig(
                vision_config=vision,
                text_config=dict(
                    model_type='llama',
                    vocab_size=VOCABULARY,
                    hidden_size=WIDTH,
                    intermediate_size=2 * WIDTH,
                    num_hidden_layers=2,
                    num_attention_heads=4,
                    max_position_embeddings=LONGEST,
                    initializer_range=SPREAD,
                    bos_token_id=None,
                    eos_token_id=0,
                    pad_token_id=1,
                ),
                image_token_index=2,
                image_seq_length=NUM_TOKENS,
                initializer_range=SPREAD,  # of the projector
                vision_feature_layer=-1,
                vision_feature_select_strategy='full',
            )
        )
    model.model.vision_tower.load_state_dict(tower.state_dict())
    model.save_pretrained(str(folder))
    return error * size


def read_joints(data: Path) -> Tuple[Tensor, Tensor]:
    """Training images ``[N, 3, S, S]``, from -1 to 1, and joints ``[N, K, 2]`` as fractions of the image."""
    rows = read_json(data / 'annotations/train.json', 'annotations', 'draw the images first')
    images = np.stack([read_image(str(data / 'images' / row['image']))[..., ::-1] for row in rows])
    joints = torch.tensor([row['joints'] for row in rows]) / images.shape[1]
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1, joints


def pretrain(tower: ToyVisionModel, images: Tensor, joints: Tensor, epochs: int) -> Tuple[ToyVisionModel, float]:
    """Train the tower to find poses; also returns the mean error of the last batch, as a fraction of the image.

    Its points are the joints relative to their middle, each coordinate with mean 0 and standard deviation 1: what all
    people share, and where they stand, would hide the pose from a small language model.
    """
    poses = joints - joints.mean(dim=1, keepdim=True)
    mean, deviation = poses.mean(dim=0), poses.std(dim=0)
    optimizer = torch.optim.AdamW(tower.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * (len(images) // BATCH))
    tower.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(BATCH)[: len(images) // BATCH]:
            found, target = tower.points(images[batch]), (poses[batch] - mean) / deviation
            loss = F.smooth_l1_loss(found, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    tower.eval()
    return tower, float(((found - target) * deviation).detach().abs().mean())
