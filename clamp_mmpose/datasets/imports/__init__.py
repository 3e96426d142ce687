"""Labels made with other tools."""

from .import_project import ImportReport, import_project
from .project import LabeledImage, LabeledInstance, LabeledProject, ReadOptions
from .read_project import KINDS, read_project

__all__ = [
    'KINDS',
    'ImportReport',
    'LabeledImage',
    'LabeledInstance',
    'LabeledProject',
    'ReadOptions',
    'import_project',
    'read_project',
]
