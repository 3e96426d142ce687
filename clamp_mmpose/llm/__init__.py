"""Asking language models for texts, with a journal of every answer."""
