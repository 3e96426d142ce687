"""The annotation subsets of CLAMP's few-shot, zero-shot and low-data experiments."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Union

import numpy as np

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.utils.files import atomic_write, to_json

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
    """Counts of an annotation file."""

    path: Path
    images: int
    instances: int
    species: int  # species and families with at least one instance
    families: int
    short: Dict[str, int] = {}  # species with fewer labeled instances than requested -> their number


def few_shot_subset(annotations: dict, shots: int, seed: int) -> dict:
    """``shots`` random instances of each species, with their images.

    Instances without labeled keypoints are not drawn, as MMPose drops them.
    """
    rng = np.random.RandomState(seed)  # its stream is frozen: a seed gives the same file with any NumPy
    chosen = set()
    for ids in _labeled_by_species(annotations).values():
        chosen.update(ids[i] for i in rng.permutation(len(ids))[:shots])
    return _with_instances(annotations, [ann for ann in annotations['annotations'] if ann['id'] in chosen])


def family_subset(annotations: dict, *families: str) -> dict:
    """The instances of these families, with their images.

    Raises:
        ValueError: a family has no category.
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

    We read the paper's "random k% of COCO data" as k% of the images with labeled keypoints, as the others are not
    used in training.
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
        annotation_dir: folder of AP-10K's annotation files, which are not changed.
        out_dir: where to write; None: ``annotation_dir``.
        shots: instances of each species in the few-shot set.
        seed: of the random draw.
        split: AP-10K's split, 1 to 3.

    Returns:
        list[SubsetCounts]: of the two files read, then of each file written.
    """
    if shots < 1:
        raise ValueError(f'shots={shots}: at least 1 instance of each species is needed.')
    sources = {part: Path(annotation_dir) / f'ap10k-{part}-split{split}.json' for part in ('train', 'val')}
    originals = {part: read_annotations(path, GET_AP10K) for part, path in sources.items()}
    subsets = {f'{sources["train"].stem}-{shots}shot.json': few_shot_subset(originals['train'], shots, seed)}
    # The paper does not say which instances of the test family it uses. It evaluates everything else on the
    # validation set, so we use that.
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
        annotation_file: ``person_keypoints_train2017.json``, which is not changed.
        out_dir: where to write; None: the folder of ``annotation_file``.
        percents: each in (0, 100].
        seeds: of the random draws.

    Returns:
        list[SubsetCounts]: of the file read, then of each file written.
    """
    for percent in percents:
        if not 0 < percent <= 100:
            raise ValueError(f'percent={percent:g} is outside (0, 100].')
    source = Path(annotation_file)
    annotations = read_annotations(source, GET_COCO)
    if not any(map(_is_labeled, annotations['annotations'])):
        raise ValueError(f"{source} has no instance with a labeled keypoint; is it COCO's person_keypoints file?")
    counts = [count(source, annotations)]
    for percent in percents:
        for seed in seeds:
            name = f'{source.stem}_{percent:g}percent_seed{seed}.json'
            counts += _write_all(
                {name: percent_subset(annotations, percent, seed)}, source.parent if out_dir is None else Path(out_dir)
            )
    return counts


def count(path: Path, annotations: dict) -> SubsetCounts:
    """Count what :func:`counts_table` shows."""
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
    """A table with one line for each file, then the species with fewer instances than requested."""
    width = max(len(row.path.name) for row in counts)
    lines = [f'{"file":<{width}}    images  instances  species  families']
    for row in counts:
        lines.append(
            f'{row.path.name:<{width}}  {row.images:8,}  {row.instances:9,}  {row.species:7}  {row.families:8}'
        )
    for row in counts:
        if row.short:
            lines.append(
                f'Fewer labeled instances than requested, all used, in {row.path.name}: '
                + ', '.join(f'{name} ({number})' for name, number in row.short.items())
            )
    return '\n'.join(lines)


def _is_labeled(annotation: dict) -> bool:
    return any(annotation.get('keypoints', [])[2::3])


def _labeled_by_species(annotations: dict) -> Dict[Any, list]:
    """Category id -> ids of its labeled instances, both sorted, so the order of the file does not matter."""
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
    """Write atomically: training would not notice a half-written file."""
    atomic_write(path, to_json(annotations, f'annotations for {path}').encode())
