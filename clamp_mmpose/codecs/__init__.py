from .keypoint_heatmap import KeypointHeatmap

__all__ = ['KeypointHeatmap']
