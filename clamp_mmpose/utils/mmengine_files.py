"""Makes MMEngine's and xtcocotools' own readers of data files as safe as ours."""

from types import SimpleNamespace
from typing import Any, TextIO

import xtcocotools.coco
from mmengine.fileio import JsonHandler, PickleHandler, YamlHandler, register_handler

from .files import parse_json, read_json
from .safe_yaml import parse_yaml


class SafeJsonHandler(JsonHandler):
    def load_from_fileobj(self, file: TextIO) -> Any:
        return parse_json(file.read())


class SafeYamlHandler(YamlHandler):
    def load_from_fileobj(self, file: TextIO, **kwargs: Any) -> Any:
        return parse_yaml(file.read())


class NoPickleHandler(PickleHandler):
    """Writes pickles, and refuses to read them."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        raise ValueError('a pickle (.pkl, .pickle) can run any code and is never read: save the data as JSON.')

    def load_from_path(self, filepath: str, **kwargs: Any) -> Any:
        self.load_from_fileobj(filepath)


def _load_annotations(file: TextIO) -> Any:
    return read_json(file.name, 'annotations', 'check the path')


def register_safe_readers() -> None:
    """Make ``mmengine.load`` read without executing code, and annotations of COCO's format with our JSON reader."""
    register_handler('json')(SafeJsonHandler)
    register_handler(['yaml', 'yml'])(SafeYamlHandler)
    register_handler(['pickle', 'pkl'])(NoPickleHandler)
    xtcocotools.coco.json = SimpleNamespace(load=_load_annotations)  # all that its module uses
