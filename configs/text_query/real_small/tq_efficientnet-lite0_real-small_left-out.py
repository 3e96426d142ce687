# Trained on six categories, asked for the keypoints of the seventh by its words: CLAMP_MMPOSE_CATEGORY (default: fly,
# or the first category of a folder that has no flies).
_base_ = ['./tq_efficientnet-lite0_real-small.py']
from clamp_mmpose.language.category_texts import category_or_first  # noqa: E402  MMEngine looks for _base_ first

left_out = category_or_first(_base_.texts_file, '{{$CLAMP_MMPOSE_CATEGORY:auto}}', 'fly')

train_dataloader = dict(dataset=dict(without=[left_out]))
val_dataloader = dict(dataset=dict(categories=[left_out]))
test_dataloader = val_dataloader
