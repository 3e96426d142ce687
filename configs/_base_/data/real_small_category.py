# One category of real_small, for heads with a fixed list of keypoints: the one that the environment variable
# CLAMP_MMPOSE_CATEGORY names; without it fly, or the first category of a folder that has no flies.
_base_ = ['./real_small.py']
from clamp_mmpose.language.category_texts import category_or_first, names_of_category  # noqa: E402  _base_ comes first

category = category_or_first(_base_.texts_file, '{{$CLAMP_MMPOSE_CATEGORY:auto}}', 'fly')
names = names_of_category(_base_.texts_file, category)
num_keypoints = len(names)
codec = dict(type='KeypointHeatmap', input_size=_base_.input_size, heatmap_size=(40, 40), sigma=2)
target = [dict(type='GenerateTarget', encoder=codec)]

train_dataloader = dict(
    dataset=dict(categories=[category], pipeline=[*_base_.load, *_base_.augment, *_base_.crop, *target, *_base_.texts])
)
val_dataloader = dict(dataset=dict(categories=[category]))
test_dataloader = val_dataloader
