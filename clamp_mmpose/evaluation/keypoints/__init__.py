"""Predicted keypoints beside their labels: instances and their files, PCK with intervals, exchanged sides, AP."""
