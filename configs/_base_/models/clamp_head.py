# CLAMP's head (Zhang et al. 2023). Where paper and released code differ, the losses are those of the code, because its
# loss weights were chosen for them (the paper's are in clamp/ap10k/clamp_vit-b_ap10k_paper-losses.py). A child config
# adds names and decoder, which depend on the data set.
clamp_head = dict(type='CLAMPHead', feature_loss=dict(sampling='nearest', average='all', loss_weight=5e-4))
