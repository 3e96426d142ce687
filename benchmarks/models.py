"""Times models in turns, run by run, so that other load on the machine affects all alike."""

import multiprocessing
import re
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from mmengine.structures import InstanceData, PixelData
from mmpose.models.builder import build_pose_estimator
from mmpose.structures import PoseDataSample
from torch import nn
from torch.utils.benchmark import Measurement, TaskSpec, timer

from clamp_mmpose.apis.model_zoo import read_config
from clamp_mmpose.models.heads import TextQueryHead


def build_model(cfg: Config, device: str) -> nn.Module:
    """The model of a config with random weights."""
    init_default_scope('mmpose')
    torch.manual_seed(0)
    return build_pose_estimator(cfg.model).to(device)


def random_batch(model: nn.Module, cfg: Config, batch_size: int, device: str) -> tuple:
    """Random images ``[B, 3, H, W]`` and labels as the pipeline of the config packs them."""
    decoder = cfg.model.head.decoder
    width, height = decoder.input_size
    reads_text = isinstance(model.head, TextQueryHead)
    num_keypoints = len(model.head.names) if reads_text else model.head.out_channels
    label_size = torch.tensor([1, 1] if reads_text else [width, height])
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch_size, 3, height, width, generator=generator)
    samples = []
    for _ in range(batch_size):
        sample = PoseDataSample(
            metainfo=dict(
                input_size=(width, height),
                input_center=np.array([width, height]) / 2,
                input_scale=np.array([width, height]),
            )
        )
        if not reads_text:
            sample.gt_fields = PixelData(
                heatmaps=torch.rand(num_keypoints, *decoder.heatmap_size[::-1], generator=generator)
            )
        sample.gt_instances = InstanceData(bboxes=torch.tensor([[0.0, 0.0, width, height]]), bbox_scores=torch.ones(1))
        sample.gt_instance_labels = InstanceData(
            keypoint_weights=torch.ones(1, num_keypoints),
            keypoint_labels=torch.rand(1, num_keypoints, 2, generator=generator) * label_size,
        )
        samples.append(sample.to(device))
    return images.to(device), samples


def alternate(functions: Sequence[Callable[[], object]], pairs: int, warmup: int = 3) -> List[Measurement]:
    """Call the functions in turns, ``pairs`` times each, after some warmup rounds."""
    times: List[List[float]] = [[] for _ in functions]
    for _ in range(warmup + pairs):
        for function, own in zip(functions, times):
            start = timer()  # waits for the GPU
            function()
            own.append(timer() - start)
    return [Measurement(1, own[warmup:], TaskSpec('function()', 'pass')) for own in times]


def inference(configs: Sequence[str], batch_size: int, device: str, pairs: int, amp: bool) -> List[Measurement]:
    """Time from normalized images to heatmaps, in eval mode, without flip test."""
    functions = []
    for path in configs:
        cfg = read_config(path)
        model = build_model(cfg, device).eval()
        images, _ = random_batch(model, cfg, batch_size, device)

        def run(model: nn.Module = model, images: torch.Tensor = images) -> None:
            with torch.no_grad(), torch.autocast(device.split(':')[0], torch.bfloat16, enabled=amp):
                model(images, None, mode='tensor')

        functions.append(run)
    return alternate(functions, pairs)


def training_step(path: str, batch_size: int, device: str, amp: bool) -> Callable[[], None]:
    """A function that runs one training step of a config's model on a random batch."""
    cfg = read_config(path)
    model = build_model(cfg, device).train()
    return train_on(model, *random_batch(model, cfg, batch_size, device), amp)


def train_on(model: nn.Module, images: torch.Tensor, samples: list, amp: bool = False) -> Callable[[], None]:
    """A function that runs forward, backward and optimizer step on one batch."""
    device = images.device.type
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-6)

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=amp):
            losses = model.loss(images, samples)
        sum(value for name, value in losses.items() if name.startswith('loss')).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def training(configs: Sequence[str], batch_size: int, device: str, pairs: int, amp: bool) -> List[Measurement]:
    """Time forward, backward and optimizer step."""
    return alternate([training_step(path, batch_size, device, amp) for path in configs], pairs)


def peak_memory(path: str, batch_size: int, device: str, amp: bool) -> float:
    """Peak MiB of three training steps in a separate process: of a GPU, or of RAM (Linux only, otherwise NaN)."""
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        return pool.submit(_peak_memory, path, batch_size, device, amp).result()


def _peak_memory(path: str, batch_size: int, device: str, amp: bool) -> float:
    step = training_step(path, batch_size, device, amp)
    for _ in range(3):
        step()
    if device.startswith('cuda'):
        return torch.cuda.max_memory_allocated() / 2**20
    status = Path('/proc/self/status')
    # getrusage may return the peak of the parent process, if that is higher
    return int(re.search(r'VmHWM:\s+(\d+) kB', status.read_text())[1]) / 2**10 if status.exists() else float('nan')


def data(path: str, seconds: float = 10.0) -> Dict[str, float]:
    """Samples per second of the training pipeline in one process, which is one loader worker."""
    init_default_scope('mmpose')
    cfg = read_config(path)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    np.random.seed(0)
    dataset[0]
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        dataset[count % len(dataset)]
        count += 1
    return dict(samples=count, samples_per_second=count / (time.perf_counter() - start))


def milliseconds(measurement: Measurement) -> float:
    """The median in milliseconds."""
    return 1000 * measurement.median


def summary(
    configs: Sequence[str], batch_size: int, measurements: Sequence[Measurement]
) -> Dict[str, Optional[object]]:
    """The results of one config, or of one against another, for the JSON file."""
    result = dict(config=configs[0], against=None, against_median_ms=None, against_quartiles_ms=None, ratio=None)
    for prefix, measurement in zip(('', 'against_'), measurements):
        result[f'{prefix}median_ms'] = milliseconds(measurement)
        result[f'{prefix}quartiles_ms'] = [float(1000 * q) for q in np.percentile(measurement.times, (25, 75))]
    if len(configs) > 1:
        result.update(against=configs[1], ratio=result['median_ms'] / result['against_median_ms'])
    return dict(
        result,
        batch_size=batch_size,
        runs=len(measurements[0].times),
        torch=torch.__version__,
        threads=torch.get_num_threads(),
    )
