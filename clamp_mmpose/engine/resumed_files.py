import logging
from pathlib import Path
from typing import List

from mmengine.logging import print_log


def forget_foreign_files(runtime_info: dict, folders: List[Path]) -> None:
    """Remove files outside the work dir from a resumed checkpoint's notes: MMEngine deletes the best checkpoint that
    they name when it finds a better one, and old checkpoints by their number.

    A best checkpoint of a work dir that was moved is found at its new place.

    Args:
        runtime_info: of ``message_hub``; changed in place.
        folders: the work dir, and others that checkpoints are written to.
    """
    folders = [folder.resolve() for folder in folders]
    for key in [key for key in runtime_info if str(key).startswith('best_ckpt')]:
        path = Path(str(runtime_info[key])).resolve()
        if path.name.startswith('best_') and any(folder in path.parents for folder in folders):
            continue
        moved = [folder / path.name for folder in folders if path.name.startswith('best_')]
        here = next((candidate for candidate in moved if candidate.is_file()), None)
        runtime_info[key] = here and str(here)
        if here is None:
            print_log(
                f'the resumed checkpoint names {path} as the best one, outside {folders[0]}: it is not touched.',
                logger='current',
                level=logging.WARNING,
            )
    if not all(type(number) is int for number in runtime_info.get('keep_ckpt_ids', ())):
        del runtime_info['keep_ckpt_ids']
