from pathlib import Path
from typing import Any, Dict, Optional, Set

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import Tensor

from clamp_mmpose.checkpoints.writer import write_safetensors
from clamp_mmpose.models.utils.trained_parts import drop_frozen


@HOOKS.register_module()
class TrainedPartsHook(Hook):
    """Saves only what is trained: a model with a frozen language model then has checkpoints of a few MB.

    Frozen weights are left out of parts that have pretrained weights (``init_cfg``), see :func:`drop_frozen`; loading
    takes them from there again. The trained tensors are also written to a ``.safetensors`` file beside each ``.pth``,
    and removed with it. The checkpoints of a model without such parts are not changed.
    """

    priority = 'LOWEST'  # after EMAHook has exchanged the weights

    def __init__(self):
        self._weights: Optional[Dict[str, Tensor]] = None
        self._notes: Dict[str, Any] = {}
        self._written: Set[Path] = set()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        parts = drop_frozen(model, checkpoint)
        meta = checkpoint['meta']
        self._weights = checkpoint['state_dict'] if parts else None
        self._notes = dict(frozen_parts=parts, epoch=meta.get('epoch'), iter=meta.get('iter'))

    def before_train(self, runner: Runner) -> None:
        """Write beside each checkpoint that the runner saves, since no hook is called after it."""
        folders = {Path(hook.out_dir) for hook in runner.hooks if isinstance(hook, CheckpointHook)}
        self._written |= {path for path in _local(folders) if path.with_suffix('.pth').exists()}
        save = runner.save_checkpoint

        def save_checkpoint(out_dir: str, filename: str, *args, **kwargs) -> None:
            save(out_dir, filename, *args, **kwargs)
            if is_main_process() and '://' not in str(out_dir):
                self._write(Path(out_dir, filename).with_suffix('.safetensors'))

        runner.save_checkpoint = save_checkpoint

    def _write(self, path: Path) -> None:
        if self._weights is not None:
            write_safetensors(self._weights, path, self._notes)
            self._written.add(path)
            self._weights = None
        for old in [old for old in self._written if not old.with_suffix('.pth').exists()]:
            old.unlink(missing_ok=True)
            self._written.discard(old)


def _local(folders: Set[Path]) -> Set[Path]:
    return {path for folder in folders for path in folder.glob('*.safetensors')}
