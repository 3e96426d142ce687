# SimpleBaseline's head (Xiao et al. 2018), MMPose's own. A child config adds out_channels and decoder.
heatmap_head = dict(type='HeatmapHead', loss=dict(type='KeypointMSELoss', use_target_weight=True))
