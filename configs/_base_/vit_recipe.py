# A vision transformer learns at a tenth of the rate, its norms without decay (MMEngine's custom keys replace
# norm_decay_mult, so they are named; 24 blocks are ViT-L's).
_base_ = ['./recipe.py']

optim_wrapper = dict(paramwise_cfg=dict(custom_keys={
    'backbone': dict(lr_mult=0.1),
    'backbone.visual.ln_': dict(lr_mult=0.1, decay_mult=0.),
    **{f'backbone.visual.transformer.resblocks.{i}.ln_': dict(lr_mult=0.1, decay_mult=0.) for i in range(24)}}))
