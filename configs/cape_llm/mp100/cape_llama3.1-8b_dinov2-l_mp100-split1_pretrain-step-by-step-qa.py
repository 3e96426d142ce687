# Pre-training of the projector alone (appendix C): the category, whether a keypoint is in the image, then
# which keypoint is at given coordinates.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(backbone=dict(tune='frozen'), head=dict(instruction='step_by_step_qa', language_model=dict(tune='frozen')))
# there are no coordinates to score
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = None
val_dataloader = None
val_evaluator = None
