# 20 images of the category; another number: train_dataloader.dataset.num_images.
_base_ = ['./sb_efficientnet-lite0_real-small.py']

train_dataloader = dict(dataset=dict(num_images=20, image_seed=0))
