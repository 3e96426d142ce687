"""Judging the answers of models to questions about images (LLaVA-Pose, section 5.3), in both orders."""
