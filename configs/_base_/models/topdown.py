# The estimator of all top-down methods, with ImageNet's mean and std.
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
)
# for heads that predict heatmaps
flip_test = dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True)
