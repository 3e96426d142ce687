"""A tiny LLaVA in the files of transformers: a CLIP vision tower, a projector, a LLaMA, and a processor."""

from pathlib import Path

import torch
from tiny_tokenizers import byte_level

# LLaVA-1.5's form; the texts of a turn come behind its images, and an answer ends with the end token
CHAT_TEMPLATE = (
    '{% for message in messages %}'
    "{% if message['role'] == 'assistant' %}{{ 'ASSISTANT: ' }}{% else %}{{ 'USER: ' }}{% endif %}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ part['text'] + '</s>' }}{% endgeneration %}"
    "{% else %}{{ part['text'] + ' ' }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
LORA_CONFIG = """
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)
model = dict(
    type='VisionLanguageModel',
    model={model!r},
    lora=dict(rank=4, alpha=64),
    test_cfg=dict(max_new_tokens=8),
    init_cfg=dict(type='Pretrained', checkpoint={model!r}),
)
"""
IMAGE_SIZE, PATCH_SIZE = 28, 14
IMAGE_TOKENS = (IMAGE_SIZE // PATCH_SIZE) ** 2


def tiny_llava_processor(folder: Path):
    """Its processor, saved in a folder with a tokenizer that is trained there."""
    from transformers import AddedToken, AutoTokenizer, CLIPImageProcessor, LlavaProcessor

    tokenizer = AutoTokenizer.from_pretrained(
        byte_level(Path(folder), triples=False, start=True), model_input_names=['input_ids', 'attention_mask']
    )
    tokenizer.add_tokens(AddedToken('<image>', special=True, normalized=False), special_tokens=True)
    tokenizer.add_special_tokens(dict(pad_token='<pad>'))
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(
            size=dict(shortest_edge=IMAGE_SIZE), crop_size=dict(height=IMAGE_SIZE, width=IMAGE_SIZE)
        ),
        tokenizer=tokenizer,
        patch_size=PATCH_SIZE,
        vision_feature_select_strategy='default',
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )
    processor.save_pretrained(str(folder))
    return processor


def tiny_llava_config(processor, **text) -> dict:
    """Its configuration, for ``VisionLanguageModel(config=...)``; ``text`` replaces sizes of the language model."""
    tokenizer = processor.tokenizer
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    special = dict(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    llama = dict(sizes, vocab_size=len(tokenizer), max_position_embeddings=512, **special)
    llama['initializer_range'] = 0.2  # as 1 / sqrt(hidden_size): its answers depend on what it reads
    image = tokenizer.convert_tokens_to_ids('<image>')
    return dict(
        model_type='llava',
        text_config=dict(model_type='llama', **dict(llama, **text)),
        vision_config=dict(
            model_type='clip_vision_model', image_size=IMAGE_SIZE, patch_size=PATCH_SIZE, projection_dim=32, **sizes
        ),
        image_token_index=image,  # the name in files; newer versions call the attribute image_token_id
        image_seq_length=IMAGE_TOKENS,
        vision_feature_layer=-2,
        vision_feature_select_strategy='default',
        pad_token_id=tokenizer.pad_token_id,
    )


def tiny_llava_folder(folder: Path, **text) -> str:
    """A folder that ``LlavaForConditionalGeneration`` and ``AutoProcessor`` read; ``text`` as for the configuration."""
    from transformers import AutoConfig, LlavaForConditionalGeneration

    config = AutoConfig.for_model(**tiny_llava_config(tiny_llava_processor(folder), **text))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LlavaForConditionalGeneration(config)
    model.save_pretrained(str(folder), safe_serialization=True)
    return str(folder)


def tuned_llava(folder: Path):
    """A config, a checkpoint of what was trained, and its model, whose LoRA and projector are random."""
    from clamp_mmpose.apis.trained_model import load_vision_language_model
    from clamp_mmpose.models.utils.trained_parts import drop_frozen

    config, checkpoint = folder / 'config.py', folder / 'epoch_1.pth'
    config.write_text(LORA_CONFIG.format(model=tiny_llava_folder(folder / 'model')))
    _, model = load_vision_language_model(str(config))
    torch.manual_seed(0)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    content = dict(state_dict=dict(model.state_dict()), meta={})
    drop_frozen(model, content)
    torch.save(content, checkpoint)
    return config, checkpoint, model


def tiny_chat_pose(folder: Path):
    """A config, a checkpoint and the model of a ChatPose whose answers have poses that depend on what it reads."""
    from clamp_mmpose.apis.trained_model import load_vision_language_model

    config, checkpoint = folder / 'chat_pose.py', folder / 'chat_pose.pth'
    text = LORA_CONFIG.format(model=tiny_llava_folder(folder / 'model'))
    config.write_text(text.replace('VisionLanguageModel', 'ChatPose').replace('=8)', '=8, force_pose=True)'))
    _, model = load_vision_language_model(str(config))
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            spread = 0.5 if name.startswith('pose_head') else 0.1
            parameter.data.add_(spread * torch.randn_like(parameter))
    torch.save(dict(state_dict=model.state_dict(), meta={}), checkpoint)
    return config, checkpoint, model
