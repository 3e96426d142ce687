"""CapeLLM against the outputs of the published code, for whatever categories, tokenizers and seeds the folder holds."""

import json
import os
import random
import re
from itertools import groupby
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS, MODELS
from parity_folders import parity_folder
from PIL import Image
from safetensors.torch import load_file

from clamp_mmpose.checkpoints.convert_capellm import convert_capellm
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.codecs import format_answer, parse_answer, parse_published
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.evaluation.mp100.protocols import score
from clamp_mmpose.language.cape_instruction import CapeInstruction, Turn
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.utils.trained_parts import load_trained

FOLDER = parity_folder('capellm_tiny')
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs the outputs of the published CapeLLM (set CLAMP_MMPOSE_PARITY to the folder of capellm_tiny)',
)
LLAMA_SIZES = (
    'vocab_size',
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'max_position_embeddings',
    'rms_norm_eps',
    'rope_theta',
    'tie_word_embeddings',
    'bos_token_id',
    'eos_token_id',
)
GRAY_LEVEL = 1 / 255 / 0.224  # the largest step of a normalized image; OpenCV's versions may differ by one


def content(name):
    return json.loads((FOLDER / name).read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def preprocess():
    return dict(np.load(FOLDER / 'preprocess.npz'))


@pytest.fixture(scope='module')
def mp100(tmp_path_factory):
    """The annotated instances, cropped as published: config of the data set with crops of ``size``."""
    folder = tmp_path_factory.mktemp('capellm')
    for name, array in np.load(FOLDER / 'images.npz').items():
        Image.fromarray(array).save(folder / f'{name[len("image") :]}.png')
    annotations = content('annotations.json')
    for category in annotations['categories']:
        category['name'] = load_texts()[category['id']].name  # the folder gives other names
    (folder / 'annotations.json').write_text(json.dumps(annotations))

    def config(size, augment=(), padding=1.0):
        return dict(
            type='MP100Dataset',
            data_root=str(folder),
            ann_file='annotations.json',
            serialize_data=False,  # serializing collects garbage, half a second each time
            pipeline=[
                dict(type='LoadIntactImage'),
                dict(type='GetBBoxCenterScale', padding=padding),
                *augment,
                dict(type='TopdownAffine', input_size=(size, size)),
                dict(type='GenerateTarget', encoder=dict(type='CoordinateAnswer', input_size=(size, size))),
                dict(type='GetTextQueries'),
                dict(type='PackTextQueries'),
            ],
        )

    return config


def normalized(packed):
    """The network input ``[3, S, S]`` of a packed sample, as the configs normalize it."""
    preprocessor = MODELS.build(
        dict(
            type='PoseDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
        )
    )
    return preprocessor(pseudo_collate([packed]))['inputs'][0].numpy()


def assert_same_image(found, expected):
    """Equal but for a few pixels of one gray level; OpenCV before 5, the fixture's version, interpolates otherwise."""
    found = found if found.shape == expected.shape else found[:, ::8, ::8]
    difference = np.abs(found - expected)
    if cv2.__version__ >= '5':
        assert difference.max() < 1.01 * GRAY_LEVEL and (difference > 1e-4).mean() < 0.01
    else:
        assert difference.max() < 5 * GRAY_LEVEL and difference.mean() < 0.2 * GRAY_LEVEL


def assert_same_keypoints(sample, expected, visible):
    """Keypoints in the crop; the published code leaves hidden ones as they are."""
    size = np.array(sample.input_size)
    found = np.asarray(sample.gt_instance_labels.keypoint_labels)[0] * size
    np.testing.assert_allclose(found[visible], expected[visible, :2], atol=1e-4)
    inside = ((expected[:, :2] >= 0) & (expected[:, :2] < size)).all(axis=1)
    assert np.array_equal(np.asarray(sample.gt_instance_labels.keypoint_weights)[0] > 0, visible & inside)


def test_clean_boxes(preprocess):
    instances = read_instances(FOLDER / 'annotations.json').instances
    for key, box in preprocess.items():
        if key.endswith('_clean_bbox'):
            assert instances[int(key.split('_')[1])].bbox == pytest.approx(box.tolist(), abs=1e-12), key


def test_crop(preprocess, mp100):
    prefixes = [key[: -len('center')] for key in preprocess if re.fullmatch(r'crop\d+_\d+_center', key)]
    assert prefixes
    for prefix in prefixes:
        size, index = map(int, re.findall(r'\d+', prefix))
        packed = DATASETS.build(mp100(size))[index]
        sample = packed['data_samples']
        expected = {key[len(prefix) :]: value for key, value in preprocess.items() if key.startswith(prefix)}
        np.testing.assert_allclose(sample.input_center, expected['center'], atol=1e-5)
        np.testing.assert_allclose(sample.input_scale / 200, expected['scale'], atol=1e-6)
        assert_same_image(normalized(packed), expected['tensor'])
        visible = expected['joints_vis'][:, 0] > 0
        np.testing.assert_allclose(sample.gt_instances.keypoints[0], expected['joints'][:, :2], atol=1e-4)
        assert np.array_equal(sample.gt_instances.keypoints_visible[0] > 0, visible)
        assert_same_keypoints(sample, expected['joints_in_crop'], visible)
        # as TopdownPoseEstimator maps predictions to the image, and the affine matrix to the crop
        back = (expected['points'] / size - 0.5) * sample.input_scale + sample.input_center
        np.testing.assert_allclose(back, expected['points_back'], atol=1e-4)
        affine = expected['affine']
        np.testing.assert_allclose(back @ affine[:, :2].T + affine[:, 2], expected['points'], atol=1e-3)


def test_padded_crop(preprocess, mp100):
    """With padding 1.25 the crop's side is 1.25 times the longer side of the box, around the same center."""
    for key, scale in preprocess.items():
        if re.fullmatch(r'crop\d+_\d+_scale', key):
            size, index = map(int, re.findall(r'\d+', key))
            sample = DATASETS.build(mp100(size, padding=1.25))[index]['data_samples']
            np.testing.assert_allclose(sample.input_scale, 250 * scale, rtol=1e-5)
            np.testing.assert_allclose(sample.input_center, preprocess[key.replace('scale', 'center')], atol=1e-5)


def test_augmentation(preprocess, mp100):
    """Seed 5 is that of the first group of the list, seed 6 of the second; random and NumPy are seeded before it."""
    seeds = sorted(int(key.split('_')[1][4:]) for key in preprocess if re.fullmatch(r'aug_seed\d+_scale', key))
    for seed in seeds:
        expected = {
            name: preprocess[f'aug_seed{seed}_{name}'] for name in ('scale', 'center', 'tensor', 'joints_in_crop')
        }
        size = expected['tensor'].shape[-1]
        dataset = DATASETS.build(mp100(size, [dict(type='CapeBBoxTransform')]))
        index = DATASETS.build(dict(type='KeypointRounds', rounds=4, dataset=dataset)).samples[seed - 5][0]
        info = dataset.get_data_info(index)
        random.seed(seed)
        np.random.seed(seed)
        packed = dataset.prepare_data(index)
        sample = packed['data_samples']
        np.testing.assert_allclose(sample.input_scale / 200, expected['scale'], rtol=1e-6)
        np.testing.assert_allclose(sample.input_center, expected['center'], atol=1e-5)
        assert_same_image(normalized(packed), expected['tensor'])
        assert_same_keypoints(sample, expected['joints_in_crop'], info['keypoints_visible'][0] > 0)


def grouping():
    """Seed, number of rounds and the published samples, for each entry of the file."""
    for key, samples in content('grouping.json').items():
        yield (*map(int, re.findall(r'\d+', key)), samples)


def test_groups(mp100):
    dataset = DATASETS.build(mp100(56))
    for seed, rounds, samples in grouping():
        wrapped = DATASETS.build(dict(type='KeypointRounds', rounds=rounds, seed=seed, dataset=dataset))
        found = [(wrapped.get_data_info(i)['category_id'], group) for i, (_, group) in enumerate(wrapped.samples)]
        assert found == [(sample['category_id'], sample['kpt_ids']) for sample in samples], (seed, rounds)


def test_answers_of_a_group(mp100):
    """Those keypoints of a group that are labeled inside the crop, in its order, written with three digits."""
    conversations = {key: case for key, case in content('conversations.json').items() if key.startswith('crop')}
    assert conversations
    for key, case in conversations.items():
        size = int(re.findall(r'\d+', key)[0])
        dataset = DATASETS.build(mp100(size))
        (index,) = (i for i in range(len(dataset)) if dataset.get_data_info(i)['category_id'] == case['category_id'])
        sample = dataset[index]['data_samples']
        weights = np.asarray(sample.gt_instance_labels.keypoint_weights)[0]
        answers = [text for role, text in case['messages'] if role == 'Assistant']
        labels = np.asarray(sample.gt_instance_labels.keypoint_labels)[0]
        kept = [keypoint for keypoint in case['kpt_ids_in_group'] if weights[keypoint] > 0]
        assert [format_answer(*labels[keypoint]) for keypoint in kept] == answers, key


def test_prompts():
    """The first and the last prompt of each category."""
    prompts = content('inference_prompts.json')
    assert prompts
    for category, case in prompts.items():
        for text in (case['first'], case['last']):
            name, description = re.search(r'Where is the (.*) of this object.*\nReference: (.*)\n', text).groups()
            (turn,) = CapeInstruction().turns(TextQueries([name], [description], (), [0]), 0)
            assert re.sub(r'^<im_patch>\*\d+', '', text) == f'\n{turn.prompt}', category


def test_number_format():
    """Only from 0.9995 on our text differs: the published one is 1.000, which the published parser cannot read."""
    for number, published in content('number_format.json'):
        expected = '0.999' if number >= 0.9995 else published
        assert format_answer(number, 0) == f'[{expected},0.000]'
        assert format_answer(0, number) == f'[0.000,{expected}]'
        assert published == expected or published == '1.000'


def test_parsing_of_answers():
    for case in content('parse_cases.json'):
        x, y = parse_published(case['text'])
        assert (224 * x, 224 * y) == pytest.approx((case['x'], case['y']), abs=1e-9), case['text']
        if re.match(r'\s*\[0\.\d+,\s*0\.\d+\]', case['text']):
            assert parse_answer(case['text']) == (x, y), 'a well-formed answer reads the same'


def test_pck(tmp_path):
    """Through an annotation file, each case a category of its own, with a box that is ``norm`` wide after cleaning.

    A box without an area and an instance without a visible keypoint count as 0 in the published mean; the benchmark's
    query-only protocol leaves them out and counts them.
    """
    arrays = np.load(FOLDER / 'pck.npz')
    cases = {key[: -len('_pred')]: {} for key in arrays.files if key.endswith('_pred')}
    for name, case in cases.items():
        case.update({field: arrays[f'{name}_{field}'] for field in ('pred', 'gt', 'mask', 'norm', 'pck')})
    sides = {name: float(np.max(case['norm'])) for name, case in cases.items()}
    annotations = [
        dict(
            id=i,
            image_id=1,
            category_id=i,
            bbox=[0, 0, sides[name] + 1, sides[name] + 1],
            keypoints=np.column_stack([case['gt'], case['mask'] * 2]).ravel().tolist(),
        )
        for i, (name, case) in enumerate(cases.items())
    ]
    path = tmp_path / 'annotations.json'
    path.write_text(
        json.dumps(
            dict(
                images=[dict(id=1, file_name='1.png', width=10**4, height=10**4)],
                annotations=annotations,
                categories=[dict(id=i, name=name, supercategory='a') for i, name in enumerate(cases)],
            )
        )
    )
    found = read_instances(path)
    scores = score(found, {i: case['pred'] for i, case in enumerate(cases.values())}, 'query_only')
    empty = 0
    for i, (name, case) in enumerate(cases.items()):
        if sides[name] == 0 or not case['mask'].any():
            assert not case['pck'].any()
            assert (i in found.dropped) == (sides[name] == 0) and name not in scores.categories
            empty += sides[name] > 0
        else:
            values = [scores.categories[name][f'PCK@{threshold}'] for threshold in (0.05, 0.1, 0.15, 0.2, 0.25)]
            assert values == pytest.approx(case['pck'].tolist(), abs=1e-9), name
    assert scores.empty == empty
    assert all(not arrays[key].any() for key in arrays.files if key == 'empty_pck')


# ---- the language model: tokens, logits, loss and answers


def tokenizers():
    return sorted(path.name[len('tokenizer_') :] for path in FOLDER.glob('tokenizer_*')) or ['none']


@pytest.fixture(scope='module', params=tokenizers())
def published(request):
    """A published model by its tokenizer: the head with its weights, its arrays, and the id of image tokens."""
    name = request.param
    if not (FOLDER / f'model_{name}.safetensors').is_file():
        pytest.skip(f'the folder has no model_{name}.safetensors')
    config = content(f'model_{name}.json')
    sizes = {key: value for key, value in config.items() if key in LLAMA_SIZES}
    weights = load_file(FOLDER / f'model_{name}.safetensors')
    prefix = 'base_model.model.'
    projector = {key.split('.')[-1]: weights[key] for key in weights if key.startswith(f'{prefix}mm_projector')}
    language = {
        key[len(prefix) :]: value
        for key, value in weights.items()
        if key.startswith((f'{prefix}model.', f'{prefix}lm_head.'))
    }

    def build(**head):
        language_model = dict(
            type='CausalLanguageModel',
            config=dict(sizes, model_type='llama'),
            tokenizer=str(FOLDER / f'tokenizer_{name}'),
            tune='lora',
            lora=dict(rank=config['lora']['r'], alpha=config['lora']['alpha'], targets=config['lora']['targets']),
        )
        decoder = dict(type='CoordinateAnswer', input_size=(56, 56))
        channels = config['vit']['embed_dim']
        built = MODELS.build(
            dict(type='CapeLLMHead', in_channels=channels, language_model=language_model, decoder=decoder, **head)
        ).eval()
        built.language_model.llm.load_state_dict(language)
        built.projector.linear.load_state_dict(projector)
        return built

    def arrays(file):
        found = np.load(FOLDER / file)
        return {key[len(name) + 1 :]: found[key] for key in found.files if key.startswith(f'{name}_')}

    texts = {
        key.split('_')[1]: text for key, text in content('generated_text.json').items() if key.startswith(f'{name}_')
    }
    return SimpleNamespace(name=name, build=build, arrays=arrays, texts=texts, image_token=config['im_patch_token'])


def test_tokens_and_labels(published):
    head = published.build(decoding='published')
    conversations, arrays = content('conversations.json'), published.arrays('tokens.npz')
    keys = [key[: -len('_input_ids')] for key in arrays if key.endswith('_input_ids')]
    keys = [key for key in keys if key in conversations]
    assert keys
    for key in keys:
        case = conversations[key]
        ids, labels = head.published.conversation(case['text_after_image_tokens'], case['n_image_tokens'])
        assert ids == arrays[f'{key}_input_ids'].tolist() and labels == arrays[f'{key}_labels'].tolist(), key
        runs = [list(run) for learned, run in groupby(labels, lambda label: label != -100) if learned]
        supervised = conversations['supervised_text'][f'{published.name}_{key}']
        decoded = [head.published.tokenizer.decode(run) for run in runs]
        assert [''.join(text.split()) for text in decoded] == [''.join(text.split()) for text in supervised], key
        turns = [case['messages'][i : i + 3] for i in range(0, len(case['messages']), 3)]
        texts = [Turn(question[1], reference[1]).prompt + ' ' + answer[1] for question, reference, answer in turns]
        assert case['text_after_image_tokens'] == '\n' + ''.join(f'{text}</s>' for text in texts), 'our format'
        for question, reference, _ in turns:
            name = re.fullmatch(r'Where is the (.*) of this object in this image\?.*', question[1])[1]
            queries = TextQueries([name], [reference[1]], (), [0])
            assert CapeInstruction().turns(queries, 0) == [Turn(question[1], reference[1])]


def test_our_labels_are_the_answers(published):
    """Our tokens, piece by piece, teach the same answers, whatever the tokenizer merges."""
    head = published.build()
    tokens = head.answer_tokens
    for key, case in content('conversations.json').items():
        if not key.startswith('crop'):
            continue
        for role, text in case['messages']:
            if role == 'Assistant' and '1.000' not in text:
                ids = tokens.answer(*map(float, text.strip('[]').split(',')))
                assert head.language_model.tokenizer.decode(ids[:-1]).strip() == text and ids[-1] == tokens.end


def test_logits_and_loss(published):
    arrays, model = published.arrays('model_outputs.npz'), published.build().language_model
    ids, labels = (torch.tensor(arrays[name]).long() for name in ('input_ids', 'labels'))
    image = ids == published.image_token
    embeddings = model.embed(ids.masked_fill(image, 0))
    places = image[..., None].expand_as(embeddings)
    embeddings = embeddings.masked_scatter(places, torch.tensor(arrays['projected']))
    mask = torch.tensor(arrays['attention_mask']).bool()
    length = ids.shape[1]
    with torch.no_grad():
        hidden, _ = model(embeddings, torch.ones(length, length).tril().bool() & mask[:, None])
        logits = model.logits(hidden)
        each = model.token_loss(hidden, labels)
    rows, positions = arrays['logits_at'].T
    np.testing.assert_allclose(logits[rows, positions], arrays['logits'], atol=2e-5)
    np.testing.assert_allclose(logits.logsumexp(-1)[mask], arrays['logsumexp'][mask.numpy()], atol=2e-5)
    learned = labels[:, 1:] != -100
    np.testing.assert_allclose(each, arrays['per_token_loss'][learned.numpy()], atol=2e-5)
    assert each.mean().item() == pytest.approx(float(arrays['loss']), abs=1e-6)
    next_token = ids[:, 1:].where(learned, torch.zeros(()).long())
    found = logits.log_softmax(-1)[:, :-1].gather(-1, next_token[..., None])[..., 0]
    np.testing.assert_allclose(found[learned], arrays['logprob_of_next'][:, :-1][learned.numpy()], atol=2e-5)


def asked(published, head, category):
    """Tower features and queries of the image of a category, from the published prompts."""
    arrays = published.arrays('generation.npz')
    annotations = content('annotations.json')['annotations']
    index = [annotation['category_id'] for annotation in annotations].index(category)
    tokens = published.arrays('model_outputs.npz')['vit_patch_tokens'][index]
    side = round(len(tokens) ** 0.5)
    prompts = []
    for ids, mask in zip(arrays[f'cat{category}_prompt_ids'], arrays[f'cat{category}_prompt_mask']):
        own = [token for token in ids[mask.astype(bool)] if token != published.image_token]
        prompts.append(
            head.language_model.tokenizer.decode(own, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )
    found = [re.search(r'Where is the (.*?) of this object.*?\nReference: (.*)\nAssistant:', text) for text in prompts]
    queries = TextQueries([one[1] for one in found], [one[2] for one in found], (), range(len(found)))
    return (torch.tensor(tokens).T.reshape(1, -1, side, side),), queries


def categories(published):
    found = {key.split('_')[0] for key in published.arrays('generation.npz')}
    assert found
    return sorted(int(key[len('cat') :]) for key in found)


def test_published_generation(published, mp100):
    """The 13 tokens of every answer, with one pass over the image for all keypoints, and what is read from them: points
    in the crop and in the image, and their PCK.
    """
    head, arrays = published.build(decoding='published'), published.arrays('generation.npz')
    written = []
    annotated, dataset = read_instances(FOLDER / 'annotations.json'), DATASETS.build(mp100(56))
    read_all = head.published.read_all
    head.published.read_all = lambda ids, probabilities: (
        written.append((ids, probabilities)) or read_all(ids, probabilities)
    )
    for category in categories(published):
        feats, queries = asked(published, head, category)
        with torch.no_grad():
            found = head.forward(feats, [queries])
        own = {
            key[len(f'cat{category}_') :]: array for key, array in arrays.items() if key.startswith(f'cat{category}_')
        }
        ids, probabilities = written.pop()
        ids, probabilities = (part.flatten(0, 1)[: len(own['new_ids'])] for part in (ids, probabilities))
        assert np.array_equal(ids, own['new_ids'])
        np.testing.assert_allclose(probabilities.T[:12], own['top_prob'], atol=2e-5)
        np.testing.assert_allclose(56 * found.points[0], own['decoded_crop_xy_conf'][:, :2], atol=1e-4)
        np.testing.assert_allclose(found.scores[0], own['decoded_crop_xy_conf'][:, 2], atol=2e-5)
        (index,) = (i for i in range(len(dataset)) if dataset.get_data_info(i)['category_id'] == category)
        sample = dataset[index]['data_samples']
        points = (found.points[0].numpy() - 0.5) * sample.input_scale + sample.input_center
        np.testing.assert_allclose(points, own['image_xy'], atol=1e-3)
        (values,) = score(annotated, {sample.id: points}, 'query_only').categories.values()
        values = [values[f'PCK@{threshold}'] for threshold in (0.05, 0.1, 0.15, 0.2, 0.25)]
        assert values == pytest.approx(own['pck'].tolist(), abs=1e-6)


def assert_published_points(points, generated):
    """Where the published text is a position, the points are the same."""
    well_formed = 0
    for text, point in zip(generated, points):
        found = re.match(r'\[(0\.\d{3}),(0\.\d{3})\W', text)
        if found:
            well_formed += 1
            np.testing.assert_allclose(point, [float(found[1]), float(found[2])], atol=1e-6)
    assert well_formed


def test_forced_answers_are_the_published_ones(published):
    """Where the published text is a position, the forced digits are the same; elsewhere it still is a position."""
    head = published.build(answer=dict(type='TextAnswer', coordinates='greedy'))
    for category in categories(published):
        feats, queries = asked(published, head, category)
        with torch.no_grad():
            points = head.forward(feats, [queries]).points[0]
        assert_published_points(points, published.texts[f'cat{category}'])


@pytest.fixture(scope='module')
def converted(published, tmp_path_factory):
    """What the conversion of a published model wrote, and the outputs of that model."""
    name = published.name
    report = convert_capellm(
        str(FOLDER / f'model_{name}.safetensors'),
        str(FOLDER / f'model_{name}.json'),
        str(FOLDER / f'tokenizer_{name}'),
        str(tmp_path_factory.mktemp(name)),
    )
    outputs = {key: torch.as_tensor(value) for key, value in published.arrays('model_outputs.npz').items()}
    return SimpleNamespace(report=report, outputs=outputs)


@torch.no_grad()
def test_converted_model(converted, published):
    """Config and checkpoint of the conversion: tower, projector, and the published answers from the image on."""
    report, expected = converted.report, converted.outputs
    model = MODELS.build(Config.fromfile(report.config).model).eval()
    load_trained(model, read_checkpoint(report.checkpoint), str(report.checkpoint))
    feats = model.extract_feat(expected['images'])
    tokens = feats[0].flatten(2).transpose(1, 2)
    assert torch.allclose(tokens, expected['vit_patch_tokens'], atol=1e-5)
    assert torch.allclose(model.head.projector(feats[0]), expected['projected'], atol=1e-5)
    for category in categories(published):
        (given,), queries = asked(published, model.head, category)
        index = min(range(len(tokens)), key=lambda i: (feats[0][i] - given[0]).abs().sum())
        points = model.head.forward((feats[0][index : index + 1],), [queries]).points[0]
        assert_published_points(points, published.texts[f'cat{category}'])


@torch.no_grad()
def test_language_model_by_transformers(converted, published):
    """The folder that the conversion wrote, loaded by transformers alone."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    report, expected = converted.report, converted.outputs
    model = AutoModelForCausalLM.from_pretrained(report.language_model).eval()
    ids, labels, mask = (expected[name].long() for name in ('input_ids', 'labels', 'attention_mask'))
    image = ids == published.image_token
    embeddings = model.get_input_embeddings()(ids.masked_fill(image, 0))
    embeddings[image] = expected['projected'].flatten(0, 1)
    logits = model(inputs_embeds=embeddings, attention_mask=mask).logits
    rows, positions = expected['logits_at'].long().unbind(dim=1)
    assert torch.allclose(logits[rows, positions], expected['logits'], atol=1e-4)
    assert torch.allclose(logits.logsumexp(dim=-1)[mask > 0], expected['logsumexp'][mask > 0], atol=1e-4)
    losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction='none')
    assert torch.allclose(losses, expected['per_token_loss'], atol=1e-4)
    assert losses[labels[:, 1:] != -100].mean().item() == pytest.approx(expected['loss'].item(), abs=1e-5)
    tokenizer = AutoTokenizer.from_pretrained(report.language_model)
    assert tokenizer.decode(tokenizer('left eye').input_ids, skip_special_tokens=True).strip() == 'left eye'
