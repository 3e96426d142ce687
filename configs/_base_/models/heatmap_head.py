# MMPose's head of SimpleBaseline (Xiao et al. 2018). A child adds out_channels and decoder, which follow from its data.
heatmap_head = dict(type='HeatmapHead', loss=dict(type='KeypointMSELoss', use_target_weight=True))
