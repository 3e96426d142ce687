# CapeLLM (Kim et al., arXiv 2411.06869, sections 3 and 4.2): DINOv2-L, a linear projector, Llama-3.1-8B.
_base_ = ['./topdown.py']

# Table 4, by their names on the hub; a folder does as well. All but Vicuna are base models, not trained for chat.
# tune='lora': q and v of tower and language model with rank 8 (section 4.2), alpha 16 and dropout 0.05 (the script).
language_models = {
    name: dict(
        type='CausalLanguageModel',
        model=model,
        dtype='bfloat16',
        tune='lora',
        init_cfg=dict(type='Pretrained', checkpoint=model),
    )
    for name, model in (
        ('llama3.1-8b', 'meta-llama/Llama-3.1-8B'),
        ('llama3.2-1b', 'meta-llama/Llama-3.2-1B'),
        ('vicuna-7b-1.5', 'lmsys/vicuna-7b-v1.5'),
        ('mistral-7b-0.3', 'mistralai/Mistral-7B-v0.3'),
    )
}
# 256, 256 and 49 image tokens at 224 pixels
towers = {
    name: dict(
        type='TransformersBackbone', model=model, tune='lora', init_cfg=dict(type='Pretrained', checkpoint=model)
    )
    for name, model in (
        ('dinov2-l', 'facebook/dinov2-large'),
        ('dinov2-reg-l', 'facebook/dinov2-with-registers-large'),
        ('hiera-l', 'facebook/hiera-large-224-hf'),
    )
}

model = dict(
    backbone=towers['dinov2-l'],
    head=dict(
        type='CapeLLMHead',
        in_channels=1024,
        language_model=language_models['llama3.1-8b'],
        projector='LinearProjector',  # section 3.1
        # section 3.2: name and description of a keypoint; the coordinates are text, written with the likeliest digits
        answer=dict(type='TextAnswer', coordinates='greedy'),
        instruction='base',
        description=True,
        keypoint_list=False,
        outline=False,
        questions='fixed',
        rounds_mask='chained',  # section 3.3: a round sees those before it
    ),
    test_cfg=dict(flip_test=False),
)
