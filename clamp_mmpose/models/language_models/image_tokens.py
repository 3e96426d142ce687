"""Which tokens of a batch are of images, and whether they are as many as the features of its images."""

import inspect
from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import Tensor, nn

REMEDY = (
    "Let the model's own processor write them: LLaVA's needs patch_size, vision_feature_select_strategy and "
    'num_additional_image_tokens of the model, and no image token may be cut off.'
)
CLASS_TOKENS = dict(clip_vision_model=1, siglip_vision_model=0)  # LLaVA's strategy 'default' drops the first feature


def image_token_id(config: Any) -> Optional[int]:
    """The token that an image feature replaces; its name in the configuration has changed."""
    for name in ('image_token_id', 'image_token_index'):
        if isinstance(getattr(config, name, None), int):
            return getattr(config, name)
    return None


def token_types(vlm: nn.Module, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """What some models are told about each token ``[B, L]``; without it, they read images as if they were text.

    Qwen-VL places image tokens on a grid, Gemma 3 lets them attend to one another, and PaliGemma all tokens before an
    answer.
    """
    names = inspect.signature(type(vlm).forward).parameters
    ids, token = inputs['input_ids'], image_token_id(vlm.config)
    images = torch.zeros_like(ids) if token is None else (ids == token).long()
    if 'mm_token_type_ids' in names:
        return dict(mm_token_type_ids=images)
    if vlm.config.model_type == 'gemma3':
        return dict(token_type_ids=images)
    if vlm.config.model_type == 'paligemma':
        labels = inputs.get('labels')
        return dict(token_type_ids=torch.zeros_like(ids) if labels is None else (labels != -100).cumsum(1).clamp(max=1))
    return {}


def check_image_tokens(config: Any, inputs: Dict[str, Tensor], records: Sequence[str]) -> None:
    """Compare the image tokens of each row with the features of its images, before the model is run.

    Args:
        config: of the model.
        inputs: ``input_ids`` ``[B, L]``, and ``pixel_values`` of all images in the order of the rows, perhaps with
            ``image_grid_thw``.
        records: name of each row, for errors.

    Raises:
        ValueError: they differ; for models whose features cannot be counted before, if there is one without the other.
    """
    token = image_token_id(config)
    if token is None:
        return
    counts = (inputs['input_ids'] == token).sum(dim=1).tolist()
    images = inputs.get('pixel_values')
    if images is None:
        for count, record in zip(counts, records):
            if count:
                raise ValueError(f'{record} has {count} image tokens, and the batch has no images. {REMEDY}')
        return
    sizes = _features(config, inputs, images)
    if sizes is None:
        if not any(counts):
            raise ValueError(f'the batch of {", ".join(records)} has images, and no image tokens. {REMEDY}')
        return
    place = 0
    for count, record in zip(counts, records):
        found = 0
        while found < count and place < len(sizes):
            found += sizes[place]
            place += 1
        if found != count:
            raise ValueError(
                f'{record} has {count} image tokens, and its images have {found} features ({sizes[0]} each). {REMEDY}'
            )
    if place < len(sizes):
        raise ValueError(
            f'the batch of {", ".join(records)} has image tokens for {place} of {len(sizes)} images, with {sizes[0]} '
            f'features each. {REMEDY}'
        )


def _features(config: Any, inputs: Dict[str, Tensor], images: Tensor) -> Optional[List[int]]:
    """The number of features of each image; None if only the model knows."""
    vision = getattr(config, 'vision_config', None)
    grid = inputs.get('image_grid_thw')
    if grid is not None:  # Qwen-VL
        return torch.div(grid.prod(dim=1), vision.spatial_merge_size**2, rounding_mode='floor').tolist()
    kind = getattr(vision, 'model_type', None)
    if config.model_type == 'llava' and kind in CLASS_TOKENS and images.dim() == 4:
        number = (images.shape[2] // vision.patch_size) * (images.shape[3] // vision.patch_size) + CLASS_TOKENS[kind]
        return [number - (config.vision_feature_select_strategy == 'default')] * len(images)
    return None
