# The head of CapeX (Rusanovsky et al. 2024), with its number of layers and widths. Its text encoder GTE-base is used in
# the first version, which needs no remote code.
text_model = 'thenlper/gte-base'
gte_base = dict(type='HFTextEncoder', model=text_model, init_cfg=dict(type='Pretrained', checkpoint=text_model))
text_query_head = dict(
    type='TextQueryHead', width=256, num_heads=8, feedforward=768, encoder_layers=3, decoder_layers=3
)
