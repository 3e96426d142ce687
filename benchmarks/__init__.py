import clamp_mmpose  # noqa: F401  (MMPose's models cannot be imported without it where mmdet is missing)
