"""A tiny CapeLLM head, and samples for it."""

import torch
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample


def build(tokenizer, language_model=None, **head):
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    llm = dict(
        type='CausalLanguageModel',
        tokenizer=tokenizer,
        tune='full',
        config=dict(model_type='llama', max_position_embeddings=512, **sizes),
    )
    llm.update(language_model or {})
    decoder = dict(type='CoordinateAnswer', input_size=(64, 64))
    return MODELS.build(dict(type='CapeLLMHead', in_channels=8, language_model=llm, decoder=decoder, **head)).eval()


def sample(names, descriptions=None, points=None, rounds=None, **fields):
    meta = dict(keypoint_names=names, keypoint_descriptions=descriptions, id=1, **fields)
    if rounds is not None:
        meta['rounds'] = rounds
    one = PoseDataSample(metainfo=meta)
    points = torch.tensor(points or [[0.5, 0.5]] * len(names))[None]
    one.gt_instance_labels = InstanceData(keypoint_labels=points, keypoint_weights=torch.ones(1, len(names)))
    return one
