"""Writes ONNX files by either of PyTorch's exporters, and runs them."""

import warnings
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
import torch
from mmengine.utils import digit_version
from torch import Tensor, nn

NEW_EXPORTER = digit_version(torch.__version__) >= digit_version('2.9.0')  # PyTorch's own default from then on
ONNX_LIMIT = 2**31 - 2**20  # bytes of weights in a single ONNX file, with a margin for the graph


@torch.no_grad()
def write_onnx(
    function: nn.Module,
    inputs: Dict[str, Tensor],
    outputs: Sequence[str],
    free: Dict[str, Dict[int, str]],
    path: Path,
    properties: Dict[str, str],
) -> None:
    """Export a module.

    Args:
        function: in eval mode.
        inputs: examples by the names of its arguments; a free axis has at least two entries, since exporters treat one
            as a constant.
        outputs: their names.
        free: for each input and output its axes of any length, by name.
        path: file to write.
        properties: metadata of the file.

    Raises:
        ImportError: onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(f'{path.name} is not written; for ONNX: pip install "clamp_mmpose[export]"') from error
    function(**inputs)  # fill the caches of eval mode, which become constants of the graph
    examples, names = tuple(inputs.values()), list(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # sizes of the feature map become constants on purpose
        if NEW_EXPORTER:
            size = sum(value.numel() * value.element_size() for value in function.state_dict().values())
            axes = {name: torch.export.Dim(name, min=1) for own in free.values() for name in own.values()}
            torch.onnx.export(
                function,
                examples,
                str(path),
                dynamo=True,
                verbose=False,
                dynamic_shapes={name: {i: axes[axis] for i, axis in free[name].items()} for name in inputs},
                input_names=names,
                output_names=list(outputs),
                external_data=size > ONNX_LIMIT,
            )
        else:
            # the fused attention has no ONNX form; modules in training mode do not use it
            attentions = [module for module in function.modules() if isinstance(module, nn.MultiheadAttention)]
            dropouts = [attention.dropout for attention in attentions]
            try:
                for attention in attentions:
                    attention.training, attention.dropout = True, 0.0
                torch.onnx.export(
                    function,
                    examples,
                    str(path),
                    opset_version=17,
                    dynamic_axes=free,
                    training=torch.onnx.TrainingMode.PRESERVE,
                    input_names=names,
                    output_names=list(outputs),
                )
            finally:
                for attention, dropout in zip(attentions, dropouts):
                    attention.training, attention.dropout = False, dropout
    graph = onnx.load(str(path), load_external_data=False)
    onnx.helper.set_model_props(graph, properties)
    onnx.save(graph, str(path))


def run_onnx(path: Path, inputs: Dict[str, Tensor]) -> List[np.ndarray]:
    """The outputs of an ONNX file, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    found = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return [np.asarray(output) for output in found]
