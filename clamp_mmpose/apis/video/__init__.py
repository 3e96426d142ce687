"""Finds keypoints in videos: boxes, tracks, smoothing, and what is written."""

from .predict_video import VideoOutputs, predict_video
from .table import read_tracks, write_tracks
from .track import Tracker

__all__ = ['Tracker', 'VideoOutputs', 'predict_video', 'read_tracks', 'write_tracks']
