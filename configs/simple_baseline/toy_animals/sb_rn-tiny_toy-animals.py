# The baseline of "make demo": the tower of clamp/toy_animals/clamp_rn-tiny_toy-animals.py under MMPose's own head.
_base_ = ['../../_base_/toy_recipe.py', '../../_base_/data/toy_animals.py']

model = dict(
    backbone=dict(type='CLIPResNet', arch={{_base_.tiny_arch}}),
    head=dict(
        type='HeatmapHead',
        in_channels=768,
        out_channels=17,
        deconv_out_channels=(64, 64, 64),
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder={{_base_.codec}}))
