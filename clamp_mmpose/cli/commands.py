"""The commands of ``clamp-mmpose``: their names, modules and examples. Importing this imports none of them."""

from typing import Dict, NamedTuple, Tuple


class Command(NamedTuple):
    """One command.

    Attributes:
        module: in ``clamp_mmpose.cli``; has ``make_parser`` and ``run``.
        summary: one line for the list of all commands.
        examples: arguments, for the command's help.
        needs_mmpose: whether it runs MMPose or PyTorch; others start at once.
    """

    module: str
    summary: str
    examples: Tuple[str, ...]
    needs_mmpose: bool = True


GROUPS: Dict[str, Dict[str, Command]] = {
    'your own data': {
        'import': Command(
            'import_data',
            'labels of DeepLabCut, SLEAP, Label Studio, CVAT, Roboflow, YOLO-pose or COCO -> a data folder',
            ('my-deeplabcut-project --out data/mouse', 'labels.slp --out data/fly --copy'),
        ),
        'new-config': Command(
            'new_config',
            'write a config that trains on a data folder',
            ('data/mouse --method clamp --size fast', 'data/mouse --method text-query --out configs/mouse.py'),
        ),
        'check': Command(
            'check_dataset',
            'find what is wrong with the data of a config before training',
            ('configs/own/mouse_clamp_fast.py', 'clamp_vit-b_ap10k --no-images --json findings.json'),
        ),
    },
    'train and use': {
        'train': Command(
            'train',
            'train a model',
            (
                'configs/own/mouse_clamp_fast.py',
                'configs/own/mouse_clamp_fast.py --resume --work-dir work_dirs/mouse_clamp_fast',
            ),
        ),
        'test': Command(
            'test',
            'evaluate a trained model',
            ('CONFIG CHECKPOINT', 'CONFIG CHECKPOINT --out metrics.json --show-dir drawn'),
        ),
        'report': Command(
            'report',
            'one HTML page about a training: curves, tables, worst images',
            ('work_dirs/mouse_clamp_fast', 'work_dirs/mouse_clamp_fast --split test'),
        ),
        'predict': Command(
            'predict',
            'find keypoints in images and videos',
            (
                'CONFIG CHECKPOINT video.mp4 --out-dir out --smooth 2',
                'CONFIG CHECKPOINT photos/ --keypoints "left ear, nose" --bbox 40,30,200,180',
            ),
        ),
        'export': Command(
            'export',
            'write a trained model for use without its text encoder or LoRA, and as ONNX',
            ('CONFIG CHECKPOINT --out exported', 'clamp_vit-b_ap10k clamp.pth --out exported'),
        ),
        'hub': Command(
            'hub',
            'push a trained model to the Hugging Face Hub, or pull one',
            ('push CONFIG CHECKPOINT owner/name', 'pull owner/name --out model'),
        ),
        'app': Command(
            'app',
            'a web page that finds keypoints by name, or answers questions',
            ('CONFIG CHECKPOINT', 'CONFIG CHECKPOINT --port 8000 --device cpu'),
        ),
        'chat': Command(
            'chat',
            'ask a model about images, in words',
            (
                'CONFIG CHECKPOINT --image photo.jpg "What is the person doing?"',
                'exported --image before.jpg --image after.jpg "What has changed?"',
            ),
        ),
    },
    'texts and benchmarks': {
        'texts': Command(
            'make_texts',
            'write texts about images or poses, with a language model or by rules',
            (
                'detail configs/texts/coco/llava_pose_template.py --out detail.json',
                'keypoint_texts configs/texts/own/keypoint_texts.py --out texts --dry-run',
            ),
        ),
        'text-quality': Command(
            'text_quality',
            'measure the quality of texts and compare files',
            ('detail.json', 'detail.json rules.json --out work_dirs/text_quality'),
        ),
        'judge': Command(
            'judge',
            "let a language model judge models' answers",
            (
                'questions configs/texts/coco/judge_gpt-4o.py',
                'score configs/texts/coco/judge_gpt-4o.py --against llava_pose',
            ),
        ),
        'zero-shot': Command(
            'zero_shot',
            'test an image-text model zero-shot on activities, ages and emotions',
            ('CONFIG CHECKPOINT', 'CONFIG CHECKPOINT --device cpu'),
        ),
        'score-mp100': Command(
            'score_mp100',
            "score any model's predictions on MP-100",
            (
                '--ann mp100_split1_test.json --predictions mine.json --protocol pairs',
                '--ann mp100_split1_test.json --predictions mine.json --protocol query_only --json scores.json',
            ),
            needs_mmpose=False,
        ),
    },
    'files and settings': {
        'convert': Command(
            'convert_checkpoint',
            'convert published checkpoints and body models',
            (
                'clamp RELEASED.pth --model-config THEIR_CONFIG.py --out converted',
                'body SMPL_NEUTRAL.pkl smpl.npz',
            ),
        ),
        'fit-body': Command(
            'fit_body',
            'fit a body to 2D keypoints',
            (
                'photo.jpg --config CONFIG --checkpoint CHECKPOINT --out fitted',
                '--keypoints predictions.json --body smpl.npz',
            ),
        ),
        'print-config': Command(
            'print_config',
            'print a config merged with its bases',
            ('clamp_vit-b_ap10k', 'configs/own/mouse_clamp_fast.py --cfg-options train_dataloader.batch_size=16'),
        ),
        'env': Command('env', 'versions and devices, for bug reports', ('', '--debug'), needs_mmpose=False),
        'ap10k-splits': Command(
            'ap10k_splits',
            "write AP-10K's few-shot and family subsets",
            ('data/ap10k/annotations', 'data/ap10k/annotations --shots 20 --seed 1'),
        ),
        'coco-subset': Command(
            'coco_subset',
            "write random subsets of COCO's training images",
            ('person_keypoints_train2017.json', 'person_keypoints_train2017.json --percent 5 10 --seeds 0'),
        ),
        'real-small': Command(
            'real_small',
            'assemble the photographs of the benchmark from clones of their repositories',
            ('--list', 'clones --out data/real_small'),
        ),
        'keypoint-records': Command(
            'keypoint_records',
            'write conversations that ask for keypoints',
            ('configs/texts/coco/llava_pose_template.py --out records.jsonl', 'CONFIG --out records.json'),
        ),
    },
}
COMMANDS: Dict[str, Command] = {name: command for group in GROUPS.values() for name, command in group.items()}
