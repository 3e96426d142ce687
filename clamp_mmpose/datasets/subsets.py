"""The annotation subsets of CLAMP's few-shot, zero-shot and low-data experiments."""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Union

import numpy as np

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.utils.files import atomic_write

# train on the first, test on the second: Table 3, then Table 10
ZERO_SHOT_PAIRS = (
    ('Bovidae', 'Canidae'),
    ('Canidae', 'Felidae'),
    ('Bovidae', 'Equidae'),
    ('Bovidae', 'Felidae'),
    ('Canidae', 'Cricetidae'),
    ('Canidae', 'Equidae'),
)
FAMILIES = tuple(dict.fromkeys(family for pair in ZERO_SHOT_PAIRS for family in pair))

GET_AP10K = (
    'download AP-10K (https://github.com/AlexTheBad/AP-10K) and give the folder of its JSON files; the '
    'configs expect data/ap10k/annotations'
)
GET_COCO = (
    'download http://images.cocodataset.org/annotations/annotations_trainval2017.zip and give its '
    'person_keypoints_train2017.json; the configs expect it in data/coco/annotations'
)


class SubsetCounts(NamedTuple):
    """What an annotation file holds."""

    path: Path
    images: int
    instances: int
    species: int  # with at least one instance, as the families
    families: int
    short: Dict[str, int] = {}  # species with fewer instances than were asked for -> how many they have


def few_shot_subset(annotations: dict, shots: int, seed: int) -> dict:
    """``shots`` instances of each species, drawn at random, and the images they are on.

    An instance without any labeled keypoint teaches nothing, and MMPose drops it: none is drawn.
    """
    rng = np.random.RandomState(seed)  # its stream is frozen: a seed means the same file with any NumPy
    chosen = set()
    for ids in _labeled_by_species(annotations).values():
        chosen.update(ids[i] for i in rng.permutation(len(ids))[:shots])
    return _with_instances(annotations, [ann for ann in annotations['annotations'] if ann['id'] in chosen])


def family_subset(annotations: dict, *families: str) -> dict:
    """The instances of these families, and the images they are on.

    Raises:
        ValueError: no category belongs to one of them.
    """
    family_of = {category['id']: category.get('supercategory') for category in annotations['categories']}
    for family in families:
        if family not in family_of.values():
            known = sorted({str(name) for name in family_of.values()})
            raise ValueError(f'unknown family {family!r}; the annotations have {", ".join(known)}.')
    return _with_instances(
        annotations, [ann for ann in annotations['annotations'] if family_of.get(ann['category_id']) in families]
    )


def percent_subset(annotations: dict, percent: float, seed: int) -> dict:
    """A random ``percent`` of the images, at least one, with all their annotations.

    The paper's "random k% of COCO data" is read as k% of the images on which somebody has a labeled keypoint: from
    the others nothing would be learned.
    """
    ids = sorted({ann['image_id'] for ann in annotations['annotations'] if _is_labeled(ann)})
    size = max(1, round(len(ids) * percent / 100))
    chosen = {ids[i] for i in np.random.RandomState(seed).permutation(len(ids))[:size]}
    return {
        **annotations,
        'images': [image for image in annotations['images'] if image['id'] in chosen],
        'annotations': [ann for ann in annotations['annotations'] if ann['image_id'] in chosen],
    }


def write_ap10k_splits(
    annotation_dir: Union[str, Path],
    out_dir: Union[str, Path, None] = None,
    shots: int = 20,
    seed: int = 0,
    split: int = 1,
) -> List[SubsetCounts]:
    """Write the few-shot training set and, for zero-shot, the training and the validation set of each family.

    Args:
        annotation_dir: holds AP-10K's own files, which stay as they are.
        out_dir: where to write; None: ``annotation_dir``.

    Returns:
        list[SubsetCounts]: of the two files read, then of each file written.
    """
    if shots < 1:
        raise ValueError(f'shots={shots}: at least 1 instance of each species is needed.')
    sources = {part: Path(annotation_dir) / f'ap10k-{part}-split{split}.json' for part in ('train', 'val')}
    originals = {part: read_annotations(path, GET_AP10K) for part, path in sources.items()}
    subsets = {f'{sources["train"].stem}-{shots}shot.json': few_shot_subset(originals['train'], shots, seed)}
    # The paper does not say which instances of the test family it tests on; as it evaluates everything on the
    # validation set, these are the validation set's.
    for part, annotations in originals.items():
        for family in FAMILIES:
            subsets[f'{sources[part].stem}-{family.lower()}.json'] = family_subset(annotations, family)

    available = {species: len(ids) for species, ids in _labeled_by_species(originals['train']).items()}
    names = {category['id']: category['name'] for category in originals['train']['categories']}
    short = {names[species]: count for species, count in available.items() if count < shots}
    few_shot, *families = _write_all(subsets, sources['train'].parent if out_dir is None else Path(out_dir))
    return [
        *(count(path, originals[part]) for part, path in sources.items()),
        few_shot._replace(short=short),
        *families,
    ]


def write_coco_subsets(
    annotation_file: Union[str, Path],
    out_dir: Union[str, Path, None] = None,
    percents: Sequence[float] = (1, 2, 3, 5, 10),
    seeds: Sequence[int] = (0, 1, 2),
) -> List[SubsetCounts]:
    """Write random percentages of COCO's training set, one file for each percentage and seed.

    Args:
        annotation_file: ``person_keypoints_train2017.json``, which stays as it is.
        out_dir: where to write; None: beside ``annotation_file``.

    Returns:
        list[SubsetCounts]: of the file read, then of each file written.
    """
    for percent in percents:
        if not 0 < percent <= 100:
            raise ValueError(f'percent={percent:g} is outside (0, 100].')
    source = Path(annotation_file)
    annotations = read_annotations(source, GET_COCO)
    if not any(map(_is_labeled, annotations['annotations'])):
        raise ValueError(
            f"{source} has no instance with a labeled keypoint to draw; is it COCO's person_keypoints file?"
        )
    counts = [count(source, annotations)]
    for percent in percents:
        for seed in seeds:
            name = f'{source.stem}_{percent:g}percent_seed{seed}.json'
            counts += _write_all(
                {name: percent_subset(annotations, percent, seed)}, source.parent if out_dir is None else Path(out_dir)
            )
    return counts


def count(path: Path, annotations: dict) -> SubsetCounts:
    """The line of ``annotations`` in :func:`counts_table`."""
    present = {ann['category_id'] for ann in annotations['annotations']}
    categories = [category for category in annotations['categories'] if category['id'] in present]
    return SubsetCounts(
        path,
        len(annotations['images']),
        len(annotations['annotations']),
        len(categories),
        len({category.get('supercategory') for category in categories}),
    )


def counts_table(counts: List[SubsetCounts]) -> str:
    """One aligned line for each file; species that have fewer instances than asked for are named below."""
    width = max(len(row.path.name) for row in counts)
    lines = [f'{"file":<{width}}    images  instances  species  families']
    for row in counts:
        lines.append(
            f'{row.path.name:<{width}}  {row.images:8,}  {row.instances:9,}  {row.species:7}  {row.families:8}'
        )
    for row in counts:
        if row.short:
            lines.append(
                f'Fewer labeled instances than asked for, all kept, in {row.path.name}: '
                + ', '.join(f'{name} ({number})' for name, number in row.short.items())
            )
    return '\n'.join(lines)


def _is_labeled(annotation: dict) -> bool:
    return any(annotation.get('keypoints', [])[2::3])


def _labeled_by_species(annotations: dict) -> Dict[Any, list]:
    """Category id -> ids of its labeled instances, both sorted, so that nothing depends on the order of the file."""
    ids: Dict[Any, list] = {species: [] for species in sorted(cat['id'] for cat in annotations['categories'])}
    for ann in annotations['annotations']:
        if _is_labeled(ann):
            ids[ann['category_id']].append(ann['id'])
    return {species: sorted(members) for species, members in ids.items()}


def _with_instances(annotations: dict, instances: List[dict]) -> dict:
    images = {ann['image_id'] for ann in instances}
    return {
        **annotations,
        'images': [image for image in annotations['images'] if image['id'] in images],
        'annotations': instances,
    }


def _write_all(subsets: Dict[str, dict], out_dir: Path) -> List[SubsetCounts]:
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, annotations in subsets.items():
        _write(out_dir / name, annotations)
    return [count(out_dir / name, annotations) for name, annotations in subsets.items()]


def _write(path: Path, annotations: dict) -> None:
    """Write whole or not at all: a half-written file would train without complaint on what is there."""
    atomic_write(path, json.dumps(annotations).encode())
