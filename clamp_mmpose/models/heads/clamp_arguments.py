"""Which sub-layers :class:`CLAMPHead` has, and which of them each kind of prompts uses."""

from typing import Dict, Optional, Tuple

from clamp_mmpose.models.utils.sub_layers import SubLayer

# the paper's sub-layers; their own defaults are the paper's values
PAPER = dict(
    prompt_learner='PromptLearner',
    prompt_encoder='PromptEncoder',
    cross_attention='PromptCrossAttention',
    spatial_loss='SpatialContrastiveLoss',
    feature_loss='FeatureContrastiveLoss',
)
UNUSED: Dict[str, Tuple[str, ...]] = dict(
    text=(),
    matrix=('text_encoder', 'prompt_learner', 'prompt_encoder', 'cross_attention'),
    baked=('text_encoder', 'prompt_learner', 'prompt_encoder'),
)


def check_prompts(prompts: str, embed_dims: Optional[int], **given: Optional[SubLayer]) -> None:
    """Check that ``prompts`` is known and that the arguments given fit it.

    Args:
        prompts, embed_dims: as :class:`CLAMPHead` takes them.
        given: its ``text_encoder``, ``prompt_learner``, ``prompt_encoder`` and ``cross_attention``.

    Raises:
        ValueError: an argument is missing, or would not be used.
    """
    if prompts not in UNUSED:
        raise ValueError(f"prompts must be 'text', 'matrix' or 'baked', got {prompts!r}.")
    extra = [name for name in UNUSED[prompts] if given[name] not in (None, PAPER.get(name))]
    if extra:
        raise ValueError(
            f'prompts={prompts!r} does not use {", ".join(extra)}: leave out these arguments, or set them to None.'
        )
    if prompts == 'text' and (given['text_encoder'] is None or given['prompt_learner'] is None):
        raise ValueError("prompts='text' needs a text_encoder and a prompt_learner.")
    if (embed_dims is None) != (prompts == 'text'):
        raise ValueError(
            f'prompts={prompts!r} with embed_dims={embed_dims}: give embed_dims, the width of the shared image-text '
            'space, if and only if there is no text encoder.'
        )
