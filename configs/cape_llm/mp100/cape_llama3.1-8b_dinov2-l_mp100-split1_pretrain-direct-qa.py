# Pre-training of the projector alone (appendix C): the name of a keypoint is asked for by its coordinates.
_base_ = ['./cape_llama3.1-8b_dinov2-l_mp100-split1.py']

model = dict(backbone=dict(tune='frozen'), head=dict(instruction='direct_qa', language_model=dict(tune='frozen')))
# there are no coordinates to score
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = None
val_dataloader = None
val_evaluator = None
