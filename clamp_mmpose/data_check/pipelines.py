"""Check what the steps of a pipeline and the model must agree on: sizes, and the flip test."""

from typing import Any, Iterator, List, Optional, Tuple

from mmengine.config import Config

from .findings import Finding


def size_findings(pipeline: List[Any], cfg: Config) -> Iterator[Finding]:
    """Crop, target and decoder that have different sizes: targets would be off without an error."""
    model = cfg.get('model')
    head = model.get('head') if isinstance(model, dict) else None
    decoder = head.get('decoder') if isinstance(head, dict) else None
    for key in ('input_size', 'heatmap_size'):
        found = list(_sizes(pipeline, decoder, key))
        different = next((item for item in found if item[1] != found[0][1]), None)
        if different:
            (first, size), (second, other) = found[0], different
            yield Finding('PL003', second, f'{key} is {_by(other)}, {_by(size)} in {first}')


def flip_findings(samples: List[dict], cfg: Config) -> Iterator[Finding]:
    """Samples that a flip test cannot use.

    Args:
        samples: packed data samples of a test pipeline, as dicts.
    """
    model = cfg.get('model')
    test_cfg = model.get('test_cfg') if isinstance(model, dict) else None
    if not isinstance(test_cfg, dict) or not test_cfg.get('flip_test') or not samples:
        return
    if 'gt_instances' not in samples[0]:
        return
    flip, number = samples[0].get('flip_indices'), samples[0]['gt_instances']['keypoints'].shape[1]
    if flip is None:
        yield Finding('PL002', 'flip_test', 'the samples have no flip_indices')
    elif sorted(flip) != list(range(number)):
        yield Finding('PL002', 'flip_test', f'{len(flip)} flip_indices for {number} keypoints: {list(flip)}'[:120])


def _sizes(pipeline: List[Any], decoder: Any, key: str) -> Iterator[Tuple[str, tuple]]:
    places = []
    for step in pipeline:
        if isinstance(step, dict) and step.get('type') == 'TopdownAffine':
            places.append((str(step['type']), step))
        if isinstance(step, dict) and step.get('type') == 'GenerateTarget':
            encoders = step.get('encoder')
            encoders = encoders if isinstance(encoders, (list, tuple)) else [encoders]
            places += [('GenerateTarget', encoder) for encoder in encoders]
    if len(places) > 0 and isinstance(decoder, dict):
        places.append(('the decoder of the head', decoder))
    for name, config in places:
        size = _pair(config.get(key)) if isinstance(config, dict) else None
        if size:
            yield name, size


def _pair(size: Any) -> Optional[tuple]:
    return tuple(size) if isinstance(size, (list, tuple)) and len(size) == 2 else None


def _by(size: tuple) -> str:
    return f'{size[0]}x{size[1]}'
