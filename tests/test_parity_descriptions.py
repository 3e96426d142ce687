"""FocusCLIP's descriptions against what the published programs send and measure, for whatever the folder holds."""

import json
import os
from itertools import groupby

import pytest
from parity_folders import PARITY, parity_folder
from PIL import Image

from clamp_mmpose.datasets.instructions import read_facts
from clamp_mmpose.evaluation.text_quality.diversity import mtld, published_mtld
from clamp_mmpose.evaluation.text_quality.published import published_chunks, published_quality, published_repetition
from clamp_mmpose.evaluation.text_quality.readability import count_syllables, published_readability
from clamp_mmpose.evaluation.text_quality.repetition import ngram_repetition
from clamp_mmpose.evaluation.text_quality.splitting import letter_words, plain_words, sentences, word_tokens
from clamp_mmpose.llm.tasks.build import build_task
from clamp_mmpose.llm.tasks.published_descriptions import published_hf_request

FOLDER = parity_folder('focusclip_descriptions')
SETTINGS = ('temperature', 'max_tokens', 'frequency_penalty')
needs_messages = pytest.mark.skipif(
    not (FOLDER / 'messages.json').is_file() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs what FocusCLIP sends (set CLAMP_MMPOSE_PARITY to the folder of focusclip_descriptions)',
)
METRICS = 'text_metrics.json'
needs_metrics = pytest.mark.skipif(
    not (FOLDER / METRICS).is_file() and os.environ.get('CLAMP_MMPOSE_REQUIRE_SHARED') != '1',
    reason='needs what FocusCLIP measures (set CLAMP_MMPOSE_PARITY to the folder of focusclip_descriptions)',
)


@pytest.fixture(scope='module')
def published():
    return json.loads((FOLDER / 'messages.json').read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def facts(published, tmp_path_factory):
    """The images of the published rows, which tell their size, are blank."""
    folder = tmp_path_factory.mktemp('mpii')
    for row in published['input_rows']:
        (folder / row['image']).parent.mkdir(parents=True, exist_ok=True)
        Image.new('1', (1280, 720)).save(folder / row['image'])
    (folder / 'rows.json').write_text(json.dumps(published['input_rows']))
    return read_facts(dict(type='MpiiDataset', ann_file=str(folder / 'rows.json'), data_prefix=dict(img=str(folder))))


@needs_messages
def test_rows_become_the_published_entries(published, facts):
    assert len(facts.images) == len(published['converted']) > 0
    for image, entry in zip(facts.images, published['converted']):
        assert (image.image, image.activity, image.training) == (entry['image'], entry['activity'], entry['istrain'])
        people = [
            dict(
                id=number,
                center=list(person.center),
                scale=person.scale,
                kpts=person.keypoints.tolist(),
                kpts_vis=person.labeled.astype(int).tolist(),
            )
            for number, person in enumerate(image.instances)
        ]
        assert people == entry['people'] and len(people) == entry['count']


@needs_messages
def test_requests_are_the_published_ones(published, facts):
    requests = build_task('descriptions', published=True).requests(facts.images)
    assert [list(request.messages) for request in requests] == [
        request['messages'] for request in published['requests_gpt4']
    ]
    for request, wanted in zip(requests, published['requests_gpt4']):
        assert request.settings == {key: wanted[key] for key in SETTINGS}


@needs_messages
def test_texts_for_llama_are_the_published_ones(published, facts):
    requests = build_task('descriptions', published=True).requests(facts.images)
    assert [published_hf_request(request.messages) for request in requests] == published['requests_hf']


@needs_messages
def test_the_slips_of_the_published_messages(published, facts):
    """Whether MPII trains on the image is told, numbers are cut, not rounded, and 512 tokens become 2."""
    requests = build_task('descriptions', published=True).requests(facts.images)
    for request, image in zip(requests, facts.images):
        content = json.loads(request.messages[1]['content'])
        assert content['istrain'] == image.training
        for person, given in zip(image.instances, content['people']):
            expected = [[int(x), int(y)] for x, y in person.keypoints]
            assert given['kpts'] == [point if labeled else [-1, -1] for point, labeled in zip(expected, person.labeled)]
        assert request.settings['frequency_penalty'] == 1
        # theirs sends the number of tries that are left as max_tokens; ours always sends the first one's
        assert request.settings['max_tokens'] == published['retry_bug']['max_tokens_of_each_try'][0] == 512


@needs_messages
def test_our_own_messages_are_about_the_same_images(published, facts):
    requests = build_task('descriptions', dataset_name='MPII Human Pose dataset').requests(facts.images)
    for request, entry in zip(requests, published['converted']):
        content = json.loads(request.messages[1]['content'])
        assert list(content) == ['activity', 'count', 'people'] and content['count'] == entry['count']
        legend = published['requests_gpt4'][0]['messages'][0]['content'].partition('in order: ')[2].partition('.')[0]
        assert legend in request.messages[0]['content']
    names = [row['image'] for row in published['input_rows']]
    assert [request.facts.image for request in requests] == [name for name, _ in groupby(dict.fromkeys(names))]


@pytest.fixture(scope='module')
def metrics():
    pytest.importorskip('punkt', reason='needs the extra "texts"')
    return json.loads((FOLDER / METRICS).read_text(encoding='utf-8'))


@needs_metrics
def test_published_metrics_of_each_text(metrics):
    for row in metrics['per_text']:
        text = row['text']
        found = dict(
            sentences=sentences(text),
            nltk_tokens=word_tokens(text),
            words_textstat=len(plain_words(text)),
            syllables_textstat=count_syllables(plain_words(text)),
            chunks_55=published_chunks(text),
        )
        assert found == {key: row[key] for key in found}, text
        tokens = word_tokens(text.lower())
        numbers = {
            'fk_grade_textstat_0.7.3': published_readability(text),
            'repetition_n3_as_published': published_repetition(text),
            'repetition_true_2gram': ngram_repetition(tokens, 2),
            'repetition_true_3gram': ngram_repetition(tokens, 3),
            'mtld_lexical_diversity_split': published_mtld(text.split()),
            'mtld_lexicalrichness': mtld(letter_words(text)),
        }
        assert numbers == pytest.approx({key: row[key] for key in numbers}, abs=1e-9), text


@needs_metrics
def test_published_metrics_of_all_texts(metrics):
    """They belong to ten texts in order; a folder that holds some of them is completed from the others."""
    files = [folder / 'focusclip_descriptions' / METRICS for folder in PARITY]
    sets = [json.loads(file.read_text(encoding='utf-8'))['per_text'] for file in files if file.is_file()]
    texts = [row['text'] for row in metrics['per_text']]
    if len(texts) != 10:
        texts = list(dict.fromkeys(row['text'] for rows in sets for row in rows))
    if len(texts) != 10:
        pytest.skip(f'{len(texts)} of the ten texts are here')
    expected = metrics.get('corpus_of_all_ten', metrics['corpus'])
    found = published_quality(texts)
    assert found.readability == pytest.approx(expected['readability_mean'], abs=1e-9)
    assert found.mtld == pytest.approx(expected['mtld_of_all_texts_joined'], abs=1e-9)
    assert found.repetition == pytest.approx(expected['repetition_mean'], abs=1e-9)
    assert found.tfidf_cosine == pytest.approx(expected['tfidf_cosine'], abs=1e-9)
    assert found[4:] == pytest.approx(expected['length_stats_min_max_mean_std'], abs=1e-9)
