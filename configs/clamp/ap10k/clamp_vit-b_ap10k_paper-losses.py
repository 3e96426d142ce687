# The losses as in the paper: bilinear upsampling (eq. 5) and sampling (eq. 6), mean over labeled keypoints (eq. 8).
_base_ = ['./clamp_vit-b_ap10k.py']

model = dict(
    head=dict(spatial_loss=dict(upsample='bilinear'), feature_loss=dict(sampling='bilinear', average='labeled'))
)
