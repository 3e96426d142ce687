import re
from pathlib import Path
from typing import Iterable

from demos.common.tokenizer import train_tokenizer

END, IMAGE = '</s>', '<image>'
NUM_TOKENS, VOCABULARY, LONGEST = 4, 1500, 512  # of an image, of the tokenizer, of a conversation; the config's too
# LLaVA-1.5's form
CHAT_TEMPLATE = (
    '{% for message in messages %}'
    "{% if message['role'] == 'assistant' %}{{ 'ASSISTANT: ' }}{% else %}{{ 'USER: ' }}{% endif %}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}"
    "{% if message['role'] == 'assistant' %}{{ part['text'] + '</s>' }}{% else %}{{ part['text'] + ' ' }}{% endif %}"
    '{% endfor %}{% endfor %}'
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def write_processor(folder: Path, texts: Iterable[str], size: int) -> Path:
    """Write a processor of a tiny LLaVA: images of ``size`` pixels, and a tokenizer whose tokens are mostly words."""
    from transformers import AutoTokenizer, CLIPImageProcessor, LlavaProcessor

    pieces = rf'{re.escape(IMAGE)}|{re.escape(END)}|\s?\w+|\s|[^\w\s]'
    # as words stand in a conversation: behind a space, with the names of who speaks
    spoken = (f'USER: {text} ASSISTANT: {text}' for text in texts)
    train_tokenizer(folder, spoken, pieces, [END, '<pad>', IMAGE], VOCABULARY, pad_token='<pad>')
    tokenizer = AutoTokenizer.from_pretrained(str(folder), model_input_names=['input_ids', 'attention_mask'])
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(
            size=dict(shortest_edge=size),
            crop_size=dict(height=size, width=size),
            image_mean=[0.5] * 3,
            image_std=[0.5] * 3,
        ),
        tokenizer=tokenizer,
        patch_size=size // 2,  # counts NUM_TOKENS
        vision_feature_select_strategy='full',
        num_additional_image_tokens=0,
        chat_template=CHAT_TEMPLATE,
    )
    processor.save_pretrained(str(folder))
    return folder
