# AP-10K at 224x224 for ViT-L/14, whose patch size does not divide 256; heatmaps of 64x64 as in the authors' config.
_base_ = ['./ap10k.py']
input_size = (224, 224)
codec = dict(_base_.codec, input_size=input_size)
crop = [dict(type='TopdownAffine', input_size=input_size)]

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            *_base_.augment,
            *crop,
            dict(type='GenerateTarget', encoder=codec),
            *_base_.pack,
        ]
    )
)
val_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *crop, *_base_.pack]))
test_dataloader = val_dataloader
