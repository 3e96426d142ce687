"""The metric as MMEngine runs it: batches in, scores and a file of predictions out."""

import json

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.registry import METRICS
from mmpose.structures import PoseDataSample
from mp100_files import write_annotations, write_mp100

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.engine.launch import shut_down_distributed
from clamp_mmpose.evaluation.mp100.predictions import read_predictions
from clamp_mmpose.evaluation.mp100.protocols import draw_episodes, pairs


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    path = tmp_path_factory.mktemp('mp100') / 'ann.json'
    write_annotations(path)
    return path


@pytest.fixture(scope='module')
def annotations(ann_file):
    return read_instances(ann_file)


def samples(instances, shift=0.1):
    """Data samples as from ``predict``: each point is ``shift`` of the normalizer to the right."""
    for instance in instances:
        keypoints = instance.keypoints[None] + np.array([shift * instance.normalizer, 0])
        sample = PoseDataSample(metainfo=dict(id=instance.id, img_id=instance.image_id))
        sample.pred_instances = InstanceData(keypoints=keypoints, keypoint_scores=np.ones(keypoints.shape[:2]))
        yield sample


def evaluate(metrics, data_samples, meta, size=None):
    evaluator = Evaluator(metrics if isinstance(metrics, list) else [metrics])
    evaluator.dataset_meta = meta
    data_samples = list(data_samples)
    for start in range(0, len(data_samples), 64):
        evaluator.process(data_samples[start : start + 64])
    return evaluator.evaluate(len(data_samples) if size is None else size)


def test_both_protocols_of_one_metric(ann_file, annotations):
    found = evaluate(
        dict(type='CapePCK', protocols=['query_only', 'pairs'], num_episodes=4),
        samples(annotations.instances),
        dict(ann_file=str(ann_file)),
    )
    for protocol, number in (('query_only/instances', 2000), ('pairs/pairs', 20 * 4 * 15)):
        name = protocol.split('/')[0]
        assert found[protocol] == number
        assert [found[f'{name}/PCK@{threshold}'] for threshold in (0.05, 0.15, 0.2, 0.25)] == [0, 1, 1, 1]
        assert found[f'{name}/NME'] == pytest.approx(0.1)
    assert len(found) == 18


def test_predictions_are_written_for_the_tool(ann_file, annotations, tmp_path):
    metric = dict(
        type='CapePCK',
        protocols='pairs',
        num_episodes=2,
        ann_file=str(ann_file),
        outfile_prefix=str(tmp_path / 'run/test'),
    )
    found = evaluate(metric, samples(annotations.instances, 0.12), dict(ann_file='of_the_data_set.json'))
    loaded = read_predictions(tmp_path / 'run/test.predictions.json', annotations)
    assert len(loaded.keypoints) == 2000
    expected = pairs(annotations, loaded.keypoints, 2).overall
    assert {f'pairs/{key}': value for key, value in expected.items()} == found


def test_repeated_samples_count_once(ann_file, annotations):
    data_samples = list(samples(annotations.instances))
    found = evaluate(dict(type='CapePCK'), [*data_samples, *data_samples[:30]], dict(ann_file=ann_file))
    assert found['query_only/instances'] == 2000


def test_missing_predictions_are_counted_in_the_log(ann_file, annotations, monkeypatch):
    logged = []
    monkeypatch.setattr('clamp_mmpose.evaluation.metrics.cape_pck.print_log', lambda text, logger: logged.append(text))
    kept = [instance for instance in annotations.instances if instance.category_id != 10 and instance.index % 2]
    found = evaluate(dict(type='CapePCK'), samples(kept), dict(ann_file=ann_file))
    assert found['query_only/instances'] == len(kept)
    assert f'without a prediction: {2000 - len(kept):,} of 2,000' in logged[0] and 'thing 10 100' in logged[0]


def test_tensors_and_batches_of_one(ann_file, annotations):
    metric = METRICS.build(dict(type='CapePCK', ann_file=str(ann_file)))
    for instance in annotations.instances[:3]:
        predicted = dict(keypoints=torch.tensor(instance.keypoints[None]))
        metric.process({}, [dict(id=instance.id, pred_instances=predicted)])
    assert metric.evaluate(3)['query_only/NME'] == 0


@pytest.mark.parametrize(
    'spoil, message',
    [
        (
            lambda s: s['pred_instances'].update(keypoints=np.zeros((1, 40, 2))),
            r'shape \(1, 40, 2\), expected \(1, 9, 2\)',
        ),
        (
            lambda s: s['pred_instances'].update(keypoints=np.zeros((2, 9, 2))),
            r'shape \(2, 9, 2\), expected \(1, 9, 2\)',
        ),
        (lambda s: s.update(id=5), 'annotation 5 is not among the 2,000 kept instances'),
    ],
)
def test_samples_that_do_not_fit(ann_file, annotations, spoil, message):
    metric = METRICS.build(dict(type='CapePCK', ann_file=str(ann_file)))
    sample = dict(id=annotations.instances[0].id, pred_instances=dict(keypoints=np.zeros((1, 9, 2))))
    metric.process({}, [sample])
    spoil(sample)
    with pytest.raises(ValueError, match=message):
        metric.process({}, [sample])


def test_broken_predictions_are_written_before_the_error(ann_file, annotations, tmp_path):
    data_samples = list(samples(annotations.instances[:5]))
    data_samples[3].pred_instances.keypoints[0, 0, 0] = np.nan
    metric = dict(type='CapePCK', ann_file=str(ann_file), outfile_prefix=str(tmp_path / 'test'))
    with pytest.raises(ValueError, match=f'1 of 5 predictions are not finite.*{annotations.instances[3].id}'):
        evaluate(metric, data_samples, {})
    written = json.loads((tmp_path / 'test.predictions.json').read_text(), parse_constant=pytest.fail)
    assert len(written) == 5 and written[str(annotations.instances[3].id)][0][0] is None  # NaN is not JSON


def test_too_few_instances_for_pairs_are_reported_with_the_first_batch(tmp_path):
    write_mp100(tmp_path)
    metric = METRICS.build(dict(type='CapePCK', protocols='pairs', ann_file=str(tmp_path / 'ann.json')))
    with pytest.raises(ValueError, match='an episode needs 16 instances of a category'):
        metric.process({}, [dict(id=10, pred_instances=dict(keypoints=np.zeros((1, 3, 2))))])


@pytest.mark.parametrize('empty', ['zero', 'skip'])
def test_pairs_without_a_common_point(tmp_path, empty):
    """Every second instance shows the first of two points, the others the second."""
    content = dict(
        images=[dict(id=i, file_name=f'{i}.jpg', width=200, height=200) for i in range(20)],
        annotations=[
            dict(id=i, image_id=i, category_id=1, bbox=[0, 0, 101, 101], keypoints=[5, 5, i % 2, 9, 9, 1 - i % 2])
            for i in range(20)
        ],
        categories=[dict(id=1, name='half', keypoints=['a', 'b'])],
    )
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    annotations = read_instances(tmp_path / 'ann.json')
    metric = dict(type='CapePCK', protocols='pairs', num_episodes=4, empty=empty, ann_file=str(tmp_path / 'ann.json'))
    found = evaluate(metric, samples(annotations.instances, 0), {})
    common = sum(support % 2 == query % 2 for support, query in draw_episodes(annotations, 4))
    assert 0 < common < 60 and found['pairs/pairs'] == (60 if empty == 'zero' else common)
    assert found['pairs/PCK@0.2'] == pytest.approx(common / 60 if empty == 'zero' else 1)


def test_wrong_settings():
    for setting in (dict(protocols='both'), dict(protocols=['pairs', 'all']), dict(protocols=()), dict(empty='maybe')):
        with pytest.raises(ValueError, match=next(iter(setting))):
            METRICS.build(dict(type='CapePCK', **setting))
    metric = METRICS.build(dict(type='CapePCK'))
    metric.dataset_meta = dict(dataset_name='coco')
    with pytest.raises(ValueError, match='ann_file'):
        metric.process({}, [dict(id=1)])


def score_share(rank, folder, ann_file, sizes):
    """One of two processes: every second sample, as from the samplers; the last is repeated."""
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    instances = read_instances(ann_file).instances[: sum(sizes)]
    share = [*instances, instances[0]][rank::2]
    assert len(share) == 301
    found = evaluate(
        dict(
            type='CapePCK',
            ann_file=str(ann_file),
            collect_dir=str(folder / 'parts'),
            outfile_prefix=str(folder / 'all'),
        ),
        samples(share, 0.1 * (1 + rank)),
        {},
        sum(sizes),
    )
    (folder / f'{rank}.json').write_text(json.dumps(found))
    shut_down_distributed()


def test_two_processes(ann_file, tmp_path):
    """601 instances in two shares of 301 and 300: errors of .1 in one, of .2 in the other."""
    (tmp_path / 'parts').mkdir()
    context = torch.multiprocessing.get_context('fork')
    processes = [context.Process(target=score_share, args=(rank, tmp_path, ann_file, (301, 300))) for rank in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    found = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in (0, 1)]
    assert found[0] == found[1] and found[0]['query_only/instances'] == 601
    assert found[0]['query_only/NME'] == pytest.approx((301 * 0.1 + 300 * 0.2) / 601)
    assert len(json.loads((tmp_path / 'all.predictions.json').read_text())) == 601
