# LLaVA-1.5 (Liu et al., arXiv 2310.03744) tuned on conversations about poses (LLaVA-Pose, arXiv 2409.09306, section 4).
# By their names on the hub; a folder does as well.
template = 'vicuna_v1'  # the form that LLaVA-1.5 was trained with
vision_language_models = {
    name: dict(
        type='VisionLanguageModel',
        model=model,
        dtype='bfloat16',
        # LLaVA-1.5's finetune_lora.sh: rank 128, alpha 256, dropout 0.05, in all linear layers of the language model;
        # the projector is trained too, the vision tower is not
        tune='lora',
        gradient_checkpointing=True,
        template=template,
        init_cfg=dict(type='Pretrained', checkpoint=model),
    )
    for name, model in (
        ('llava-1.5-7b', 'llava-hf/llava-1.5-7b-hf'),
        ('llava-1.5-13b', 'llava-hf/llava-1.5-13b-hf'),
    )
}
model = vision_language_models['llava-1.5-7b']
