"""A config for somebody's own labeled images: what is in the data, the settings that suit them, and the text."""

from .config_text import config_text
from .settings import METHODS, SIZES, Settings, choose_settings
from .summary import DataSummary, read_summary

__all__ = ['METHODS', 'SIZES', 'DataSummary', 'Settings', 'choose_settings', 'config_text', 'read_summary']
