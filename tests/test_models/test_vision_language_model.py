"""The vision-language model, held against transformers' own LLaVA."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file
from tiny_llava import IMAGE_TOKENS, tiny_llava_config, tiny_llava_folder
from torch import nn
from transformers import AutoProcessor, LlavaForConditionalGeneration

from clamp_mmpose.models.language_models import VisionLanguageModel
from clamp_mmpose.models.language_models.prompts import with_row
from clamp_mmpose.models.language_models.vision_language_parts import PROJECTORS

QUESTIONS = (
    'Where is the left eye of this object?',
    'Is it a chair?',
    'Which side of the image shows the front right leg of the seat, below the back rest?',
)
ANSWERS = ('It is on the left side of the face, above the nose.', 'Yes.', 'The left one.')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tiny_llava_folder(tmp_path_factory.mktemp('llava') / 'model')


@pytest.fixture(scope='module')
def processor(folder):
    return AutoProcessor.from_pretrained(folder)


@pytest.fixture(scope='module')
def reference(folder):
    return LlavaForConditionalGeneration.from_pretrained(folder).eval()


def build(folder, **kwargs):
    init_cfg = dict(type='Pretrained', checkpoint=folder)
    model = VisionLanguageModel(**{**dict(model=folder, init_cfg=init_cfg), **kwargs})
    model.init_weights()
    return model


@pytest.fixture(scope='module')
def model(folder):
    return build(folder, tune='full').eval()


def image(seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 30, 3), np.uint8))


def conversation(number, images, answer=True):
    turns = [{'from': 'human', 'value': '<image>\n' * images + QUESTIONS[number]}]
    return turns + ([{'from': 'gpt', 'value': ANSWERS[number]}] if answer else [])


# two images, none, one
IMAGES = ((image(0), image(1)), (), (image(2),))


@pytest.fixture(scope='module')
def samples(model):
    """What is learned from each of three conversations of different lengths."""
    return [model.chat.inputs(conversation(i, len(own)), own) for i, own in enumerate(IMAGES)]


def batch(samples, pad=390, side='right'):
    """A batch as the processor would pad it."""
    length = max(len(sample['input_ids']) for sample in samples)
    rows = dict(input_ids=[], labels=[], attention_mask=[])
    for sample in samples:
        number = length - len(sample['input_ids'])
        for key, value in (('input_ids', pad), ('labels', -100), ('attention_mask', 0)):
            row = sample.get(key, torch.ones_like(sample['input_ids']))
            rows[key].append(nn.functional.pad(row, (number, 0) if side == 'left' else (0, number), value=value))
    inputs = {key: torch.stack(value) for key, value in rows.items()}
    images = [sample['pixel_values'] for sample in samples if 'pixel_values' in sample]
    return dict(inputs, pixel_values=torch.cat(images)) if images else inputs


def test_loss_is_that_of_transformers(model, reference, samples):
    """With several images, one, and none; the labels are the answer and the end token."""
    tokenizer = model.processor.tokenizer
    for sample, answer in zip(samples, ANSWERS):
        learned = sample['labels'][sample['labels'] != -100]
        assert tokenizer.decode(learned).strip() == f'{answer}</s>'
        inputs = batch([sample])
        losses = model(inputs, mode='loss')
        expected = reference(**inputs)
        assert losses['loss_text'].item() == pytest.approx(expected.loss.item(), rel=1e-5)
        right = expected.logits[0, :-1].argmax(-1)[sample['labels'][1:] != -100] == learned
        assert losses['acc_text'].item() == pytest.approx(right.float().mean().item())
        logits = model(inputs, mode='tensor')
        assert (logits - expected.logits).abs().max() < 1e-4
    assert (samples[0]['input_ids'] == 389).sum() == 2 * IMAGE_TOKENS


@pytest.mark.parametrize('side', ['left', 'right'])
def test_a_batch_is_the_mean_over_its_labeled_tokens(model, samples, side):
    """Whatever the lengths and the side of the padding, whose token may be labeled elsewhere."""
    losses = [model(batch([sample]), mode='loss')['loss_text'].item() for sample in samples]
    counts = [(sample['labels'] != -100).sum().item() for sample in samples]
    expected = sum(loss * count for loss, count in zip(losses, counts)) / sum(counts)
    assert len(set(counts)) == 3 and abs(expected - sum(losses) / 3) > 0.01
    together = model(batch(samples, side=side), mode='loss')['loss_text'].item()
    assert together == pytest.approx(expected, rel=1e-5)
    # the states, of which the last one predicts the end token
    hidden = model.hidden_states(batch(samples, side=side))
    for row, sample in zip(hidden, samples):
        length = len(sample['input_ids'])
        own = row[-length:] if side == 'left' else row[:length]
        assert (own - model.hidden_states(batch([sample]))[0]).abs().max() < 1e-4


def test_a_blank_image_changes_no_loss(folder, samples):
    """It gives a batch without images gradients of zero in the projector, for which other processes wait."""
    model = build(folder)
    inputs = batch(samples[1:2])
    expected = model(inputs, mode='loss')['loss_text']
    row = model.chat.prompt_inputs([{'from': 'human', 'value': f'<image>\n{QUESTIONS[2]}'}], [image(5)])
    assert len(row['input_ids']) > inputs['input_ids'].shape[1]
    loss = model(with_row(inputs, row, model.pad), mode='loss')['loss_text']
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    for part in model.parts.projectors:
        assert all(parameter.grad is not None and not parameter.grad.any() for parameter in part.parameters())


def test_nothing_labeled_gives_zero(folder, samples):
    model = build(folder)
    inputs = batch(samples[1:])
    inputs['labels'][:] = -100
    losses = model(inputs, mode='loss')
    losses['loss_text'].backward()
    assert losses['loss_text'].item() == 0 and losses['acc_text'].item() == 0
    gradients = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
    assert all(gradient is None or not gradient.any() for gradient in gradients)


def test_image_tokens_that_do_not_fit(model, samples):
    records = [dict(record_id='785'), dict(record_id='12')]
    short = {key: value[1:] if value.dim() == 1 else value for key, value in samples[2].items()}
    place = int((short['input_ids'] == 389).nonzero()[0])
    for key in ('input_ids', 'labels'):
        short[key] = torch.cat([short[key][:place], short[key][place + 1 :]])
    with pytest.raises(ValueError, match=r"record '12' has 3 image tokens, and its images have 4 features \(4 each\)"):
        model(batch([samples[1], short]), records, 'loss')
    inputs = batch(samples[1:])
    inputs['pixel_values'] = inputs['pixel_values'].repeat(2, 1, 1, 1)
    with pytest.raises(ValueError, match="'785', record '12' has image tokens for 1 of 2 images, with 4 features"):
        model(inputs, records, 'loss')
    del inputs['pixel_values']
    with pytest.raises(ValueError, match="record '12' has 4 image tokens, and the batch has no images"):
        model(inputs, records, 'loss')


def test_generation_is_that_of_transformers(model, reference, processor):
    """All at once, with the cache, as one at a time without it; an answer ends before the end token."""
    conversations = [conversation(i, len(own), answer=False) for i, own in enumerate(IMAGES)]
    together = model.generate(IMAGES, conversations, max_new_tokens=12)
    assert len(set(together)) == 3
    for own, turns, text in zip(IMAGES, conversations, together):
        assert model.generate([own], [turns], max_new_tokens=12) == [text]
        prompt = model.chat.prompt_inputs(turns, own)
        ids = prompt.pop('input_ids')[None]
        for _ in range(12):
            ids = torch.cat([ids, reference(ids, **prompt).logits[:, -1:].argmax(-1)], dim=1)
        written = ids[0, -12:]
        assert processor.tokenizer.decode(written, skip_special_tokens=True).strip() == text


def test_an_answer_stops_at_the_end_token(folder, processor):
    model = build(folder, tune='full')
    turns = conversation(1, 0, answer=False)
    end = processor.tokenizer.eos_token_id
    state = model.hidden_states({'input_ids': torch.from_numpy(model.chat.prompt(turns))[None]})[0, -1]
    longer = model.generate([()], [turns], 8)[0]
    with torch.no_grad():
        model.vlm.get_output_embeddings().weight[end] = 10 * state / state.norm()  # the likeliest token behind it
    assert longer and model.generate([(), ()], [turns, conversation(0, 0, answer=False)], 8)[0] == ''


def test_predictions(model, samples):
    """Answers to the first question, without what stands behind it; left padding as right padding."""
    conversations = [conversation(i, len(own), answer=False) for i, own in enumerate(IMAGES)]
    expected = model.generate(IMAGES, conversations, max_new_tokens=6)
    model.test_cfg['max_new_tokens'] = 6
    records = [dict(record_id=str(i)) for i in range(3)]
    for side in ('left', 'right'):
        predicted = model(batch(samples, side=side), records, 'predict')
        assert predicted == [dict(record_id=str(i), pred_text=text) for i, text in enumerate(expected)]
    two = conversation(1, 0) + conversation(2, 1)
    inputs = batch([model.chat.inputs(two, IMAGES[2])])
    with pytest.raises(ValueError, match="record '7' has an image behind its first answer"):
        model(inputs, [dict(record_id='7')], 'predict')


def trained(model):
    return {name for name, parameter in model.vlm.named_parameters() if parameter.requires_grad}


LINEAR = ('q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj')


def test_what_is_trained(folder):
    """LLaVA-1.5's LoRA: all linear layers of the language model, not the output layer; and the projector."""
    model = build(folder)
    lora = {name for name in trained(model) if 'lora_' in name}
    assert len(lora) == 2 * 7 * 2
    assert {name.split('.lora_')[0].rsplit('.', 1)[-1] for name in lora} == set(LINEAR)
    assert not any('vision' in name for name in lora)
    assert {name.rsplit('.', 3)[-3] for name in trained(model) - lora} == {'multi_modal_projector'}
    layer = next(module for name, module in model.vlm.named_modules() if name.endswith('layers.1.mlp.up_proj'))
    assert layer.lora_A['default'].weight.shape == (128, 32) and layer.scaling['default'] == 2
    own = build(folder, lora=dict(rank=2, targets=['q_proj', 'v_proj']), tune_projector=False)
    assert {name.split('.lora_')[0].rsplit('.', 1)[-1] for name in trained(own)} == {'q_proj', 'v_proj'}
    assert all('multi_modal_projector' in name for name in trained(build(folder, tune='frozen')))
    vision = trained(build(folder, tune='frozen', tune_projector=False, tune_vision=True))
    assert vision and all('vision_tower' in name for name in vision)
    full = build(folder, tune='full')
    assert {name for name, _ in full.vlm.named_parameters()} - trained(full) == {
        name for name, _ in full.vlm.named_parameters() if 'vision_tower' in name
    }


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_a_step_changes_what_is_trained_alone(folder, samples, dtype):
    model = build(folder, dtype=dtype).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([one for one in model.parameters() if one.requires_grad], lr=1.0)
    for _ in range(2):  # B starts at zero, so that A has no gradient at first
        optimizer.zero_grad()
        model(batch(samples), mode='loss')['loss_text'].backward()
        optimizer.step()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f'vlm.{name}' for name in trained(model)}
    assert {value.dtype for name, value in before.items() if name in changed} == {torch.float32}
    others = {value.dtype for name, value in before.items() if name not in changed and value.is_floating_point()}
    assert others == {getattr(torch, dtype)}


@pytest.mark.parametrize('tune', ['lora', 'full'])
def test_gradient_checkpointing(folder, samples, tune):
    """The same gradients, in every part that is trained."""
    gradients = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        lora = dict(rank=2, dropout=0.0) if tune == 'lora' else None
        model = build(folder, tune=tune, lora=lora, gradient_checkpointing=checkpointing).train()
        for name, parameter in model.named_parameters():
            if 'lora_B' in name:
                nn.init.normal_(parameter, std=0.1)
        model(batch(samples), mode='loss')['loss_text'].backward()
        gradients.append({name: value.grad for name, value in model.named_parameters() if value.requires_grad})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert gradient.abs().max() > 0, name
        assert (gradient - gradients[1][name]).abs().max() <= 1e-5 * gradient.abs().max(), name
    assert len(model.generate([()], [conversation(1, 0, answer=False)], 4)) == 1 and model.training


def test_from_scratch(folder, processor, samples):
    """A model from a config has transformers' own random weights, and needs no files but the processor's."""
    config = tiny_llava_config(processor)
    torch.manual_seed(1)
    model = VisionLanguageModel(config=config, processor=folder, tune='full')
    model.init_weights()
    torch.manual_seed(1)
    other = LlavaForConditionalGeneration(
        type(model.vlm.config)(**{k: v for k, v in config.items() if k != 'model_type'})
    )
    own = model.vlm.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in other.state_dict().items())
    assert 4 < model(batch(samples), mode='loss')['loss_text'].item() < 12


def test_errors(folder, processor, tmp_path):
    with pytest.raises(ValueError, match=r'either model= .* or config=, not both'):
        VisionLanguageModel(model=folder, config=dict(model_type='llava'))
    with pytest.raises(ValueError, match='needs processor='):
        VisionLanguageModel(config=dict(model_type='llava'))
    with pytest.raises(ValueError, match="of the kind 'llama': expected an image-text-to-text model"):
        VisionLanguageModel(config=dict(model_type='llama'), processor=folder)
    with pytest.raises(ValueError, match="model_type='lava' is wrong"):
        VisionLanguageModel(config=dict(model_type='lava'), processor=folder)
    with pytest.raises(ValueError, match=r'go up to 390, and .* has embeddings of 300'):
        VisionLanguageModel(config=tiny_llava_config(processor, vocab_size=300, pad_token_id=None), processor=folder)
    with pytest.raises(ValueError, match='stays in eval mode'):
        VisionLanguageModel(model=folder, tune='frozen', gradient_checkpointing=True)
    weights = {name: value for name, value in load_file(f'{folder}/model.safetensors').items() if 'lm_head' not in name}
    assert len(weights) > 50
    pickled = tmp_path / 'pickled'
    pickled.mkdir()
    for path in Path(folder).iterdir():
        if path.suffix != '.safetensors':
            (pickled / path.name).write_bytes(path.read_bytes())
    torch.save(weights, pickled / 'pytorch_model.bin')
    with pytest.raises(ValueError, match='has no safetensors weights'):
        build(str(pickled))


SIZES = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
TEXT = dict(SIZES, num_key_value_heads=4, vocab_size=400, max_position_embeddings=512, pad_token_id=390)
SIGLIP = dict(SIZES, image_size=28, patch_size=14)
ROPE = dict(type='mrope', rope_type='default', mrope_section=[1, 1, 2])
OTHERS = {
    'qwen2_5_vl': dict(
        text_config=dict(TEXT, rope_scaling=ROPE, rope_parameters=dict(ROPE, rope_theta=1e4)),
        vision_config=dict(
            depth=2,
            hidden_size=32,
            num_heads=4,
            intermediate_size=64,
            out_hidden_size=32,
            patch_size=14,
            window_size=28,
        ),
        image_token_id=389,
    ),
    'smolvlm': dict(
        text_config=dict(TEXT, model_type='llama'), vision_config=SIGLIP, scale_factor=2, image_token_id=389
    ),
    'paligemma': dict(
        text_config=dict(TEXT, model_type='gemma', head_dim=8),
        vision_config=dict(SIGLIP, model_type='siglip_vision_model', projection_dim=32),
        projection_dim=32,
        image_token_index=389,
    ),
    'llava_onevision': dict(
        text_config=dict(TEXT, model_type='qwen2'),
        vision_config=dict(SIGLIP, model_type='siglip_vision_model'),
        image_token_index=389,
    ),
}


@pytest.mark.parametrize('kind', OTHERS)
def test_other_models(folder, samples, kind):
    """By their names in transformers: the loss is their own, and neither tower nor output layer is trained."""
    if kind not in transformers.CONFIG_MAPPING or not hasattr(transformers, 'AutoModelForImageTextToText'):
        pytest.skip(f'{kind} needs a newer transformers')
    model = VisionLanguageModel(config=dict(OTHERS[kind], model_type=kind), processor=folder, lora=dict(rank=2)).eval()
    inputs = batch(samples[1:2])
    own = dict(token_type_ids=(inputs['labels'] != -100).long()) if kind == 'paligemma' else {}
    expected = model.vlm(**inputs, **own).loss.item()
    assert model(inputs, mode='loss')['loss_text'].item() == pytest.approx(expected, rel=1e-4)
    layers = {name.split('.lora_')[0].rsplit('.', 1)[-1] for name in trained(model) if '.lora_' in name}
    assert layers == set(LINEAR)
    others = {name for name in trained(model) if '.lora_' not in name}
    assert others and all(any(part in name for part in PROJECTORS) for name in others)
    if kind == 'qwen2_5_vl':  # an image of 4 x 4 patches has 2 x 2 features, at positions of their own
        ids = torch.tensor([[5, 389, 389, 389, 389, 7, 8, 9]])
        images = dict(pixel_values=torch.randn(16, 3 * 2 * 14 * 14), image_grid_thw=torch.tensor([[1, 4, 4]]))
        seen = dict(input_ids=ids, attention_mask=torch.ones_like(ids), **images)
        with torch.no_grad():
            expected = model.vlm(**seen, mm_token_type_ids=(ids == 389).long()).logits
            assert (model(seen, mode='tensor') - expected).abs().max() < 1e-4
            assert (model.vlm(**seen).logits - expected).abs().max() > 1e-3
        with pytest.raises(ValueError, match='has 3 image tokens, and its images have 4 features'):
            model(dict(seen, input_ids=torch.tensor([[5, 389, 389, 389, 6, 7, 8, 9]])), mode='tensor')
