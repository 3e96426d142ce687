# Small towers from scratch, in minutes on two CPU cores.
_base_ = ['./recipe.py']
tiny_arch = dict(
    embed_dim=64,
    vision_cfg=dict(image_size=128, layers=[1, 2, 2, 1], width=32, head_width=64),
    text_cfg=dict(context_length=77, vocab_size=49408, width=32, heads=2, layers=2))

train_cfg = dict(max_epochs=40)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=30, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=40, eta_min=1e-5, by_epoch=True, convert_to_iter_based=True)]
