# ChatPose (Feng et al., CVPR 2024) on LLaVA-1.5, by its names on the hub; a folder does as well. Trained are LoRA, the
# rows of the pose token, and the head; neither the image tower nor the projector.
chat_pose_models = {
    name: dict(
        type='ChatPose',
        model=model,
        dtype='bfloat16',
        tune='lora',
        lora=dict(rank=128, alpha=256, dropout=0.05, targets=['q_proj', 'v_proj']),
        tune_projector=False,
        gradient_checkpointing=True,
        template='vicuna_v1',
        pose_token='<POSE>',
        pose_head=dict(type='PoseTokenHead'),
        pose_loss=dict(type='PoseRotationLoss', weight=0.1),
        test_cfg=dict(max_new_tokens=256),
        init_cfg=dict(type='Pretrained', checkpoint=model),
    )
    for name, model in (
        ('llava-1.5-7b', 'llava-hf/llava-1.5-7b-hf'),
        ('llava-1.5-13b', 'llava-hf/llava-1.5-13b-hf'),
    )
}
model = chat_pose_models['llava-1.5-13b']
# without poses, for the ablation
vision_language_model = dict(
    type='VisionLanguageModel',
    **{
        key: value
        for key, value in model.items()
        if key not in ('type', 'pose_token', 'pose_head', 'pose_loss', 'test_cfg')
    },
)
