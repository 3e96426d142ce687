# CLAMP's head (Zhang et al. 2023). Where paper and released code differ, the losses are those of the released code, for
# which its loss weights were chosen (clamp/ap10k/clamp_vit-b_ap10k_paper-losses.py has the paper's). A child adds names
# and decoder, which follow from its data set.
clamp_head = dict(type='CLAMPHead', feature_loss=dict(sampling='nearest', average='all', loss_weight=5e-4))
