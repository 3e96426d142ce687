# The towers of "make demo", for input of 128 x 128 pixels.
tiny_arch = dict(
    embed_dim=64,
    vision_cfg=dict(image_size=128, layers=[1, 1, 1, 1], width=24, head_width=48),
    text_cfg=dict(context_length=77, vocab_size=49408, width=32, heads=2, layers=2),
)
tiny_channels = 768  # 32 x width
