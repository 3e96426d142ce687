"""The card of a shared model."""

from typing import Any, Optional

import yaml

import clamp_mmpose

from .inferencer import TextPoseInferencer


def model_card(name: str, inferencer: TextPoseInferencer, meta: dict, license: Optional[str]) -> str:
    """``README.md`` of a model: what it finds, how it is run, and what its author has to add.

    Args:
        name: ``owner/name``.
        inferencer: of the model.
        meta: of its data set, as in a checkpoint.
        license: of the weights; None: the card says that there is none.
    """
    model: Any = inferencer.model
    head, tower = type(model.head).__name__, type(model.backbone).__name__
    cfg: Any = inferencer.cfg
    sizes = [step.get('input_size') for step in cfg.test_dataloader.dataset.pipeline]
    size = next((tuple(size) for size in sizes if size), None)
    header = dict(
        library_name='clamp_mmpose',
        pipeline_tag='keypoint-detection',
        tags=['pose-estimation', 'keypoints', 'mmpose', head],
        **(dict(license=license) if license else {}),
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    names = inferencer.keypoint_names
    found = (
        f'{len(names)} keypoints: {", ".join(map(_code, names))}.'
        if names
        else 'the keypoints that a call names, in words.'
    )
    also = ' Other keypoints can be named in words.' if names and inferencer.reads_text else ''
    short = name.rpartition('/')[2]
    return f"""---
{yaml.safe_dump(header, sort_keys=False, allow_unicode=True).strip()}
---

# {short}

Finds {found}{also}

| | |
|---|---|
| head | {head} |
| image tower | {tower} |
| input (width, height) | {size} |
| parameters | {parameters:,} |
| trained on | {_code(str(meta.get('dataset_name', 'unknown')))} |
| license of the weights | {license or 'none given: ask the author'} |

## Use

With [MMPose](https://github.com/open-mmlab/mmpose) and clamp_mmpose {clamp_mmpose.__version__} or later:

```bash
clamp-mmpose hub pull {name} --out {short}
clamp-mmpose predict {short}/config.py {short}/model.safetensors photo.jpg
```

The settings are plain data and the weights safetensors: pulling and loading them runs no code of this repository.

## Training data, results and limits

To be written by the author: which images, how they were split, PCK or AP with an interval, and where the model fails.
"""


def _code(text: str) -> str:
    """Inline code of Markdown, in which a name cannot do anything else."""
    return f'`{" ".join(text.split()).replace("`", chr(39)).replace("|", "/")}`'
