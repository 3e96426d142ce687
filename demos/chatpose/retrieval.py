from pathlib import Path
from typing import Dict, List, Optional

import torch
from mmengine.config import Config
from torch import Tensor

from clamp_mmpose.apis.model_zoo import configs_root
from clamp_mmpose.datasets.instructions.records import read_entries
from clamp_mmpose.engine.launch import build_runner
from clamp_mmpose.evaluation.poses import retrieve
from clamp_mmpose.language.words import write_vocabulary

from .evaluation import read_asked

CONFIG = 'configs/chatpose/retrieval/retrieval_words_pose-records.py'
KS = (1, 5, 10)


def score_retrieval(
    out_dir: Path, records: List[dict], generated: Tensor, epochs: Optional[int] = None
) -> Dict[str, Dict[str, float]]:
    """R@k in percent of true and of generated poses among all test people, both ways.

    Args:
        out_dir: of the demo; the retrieval model is trained on its descriptions.
        records: of the test people, in the order of ``generated``.
        generated: poses ``[N, 24, 3, 3]`` from their descriptions.
        epochs: of the training; None: the config's.
    """
    data = out_dir / 'data'
    described = {
        split: [entry for _, entry in read_entries(data / f'{split}/described.jsonl')] for split in ('train', 'val')
    }
    folder = out_dir / 'retrieval'
    folder.mkdir(parents=True, exist_ok=True)
    write_vocabulary(folder / 'words.json', [record['texts'][0] for record in described['train']])
    cfg = Config.fromfile(str(configs_root() / CONFIG))
    cfg.merge_from_dict(
        {
            'work_dir': str(folder),
            'experiment_name': f'demo_retrieval_{id(cfg)}',
            'launcher': 'none',
            'model.text_encoder.vocabulary': str(folder / 'words.json'),
            **{
                f'{split}_dataloader.dataset.reader': dict(ann_files=f'{name}/described.jsonl', data_root=str(data))
                for split, name in (('train', 'train'), ('val', 'val'), ('test', 'val'))
            },
        }
    )
    if epochs is not None:
        cfg.train_cfg.update(max_epochs=epochs, val_interval=epochs)
    runner = build_runner(cfg)
    runner.train()
    model = runner.model.eval()
    by_id = {str(record['id']): record['texts'][0] for record in described['val']}
    texts = model.embed_texts([by_id[str(record['id'])] for record in records]).cpu().numpy()
    scores = {}
    for name, poses in (('true', read_asked(data / 'val/text.jsonl').poses), ('generated', generated)):
        with torch.no_grad():
            embedded = model.embed_poses(poses).cpu().numpy()
        found = {'P2T': retrieve(embedded, texts, KS), 'T2P': retrieve(texts, embedded, KS)}
        scores[name] = {f'{way}_R{k}': one.recall[k] for way, one in found.items() for k in KS}
    return scores
