"""README and the pages in docs/: links work, commands and options exist, tables equal the metafiles."""

import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml

from clamp_mmpose.cli.commands import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in [*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md'), *ROOT.glob('tests/data/*.md')])
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding='utf-8') for page in PAGES}
ALL = '\n'.join(TEXTS.values())
REPRODUCTION = TEXTS['docs/reproduction.md']


@pytest.mark.parametrize('page', TEXTS)
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r'\]\(([^)\s]+)\)', TEXTS[page]):
        if '://' in link:
            continue
        path, _, heading = link.partition('#')
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if heading:
            titles = re.findall(r'^#+ (.+)$', target.read_text(encoding='utf-8'), re.MULTILINE)
            assert heading in [re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles], link


def test_every_page_is_in_the_index():
    pages = {path.relative_to(ROOT / 'docs').as_posix() for path in ROOT.glob('docs/**/*.md')} - {'README.md'}
    assert set(re.findall(r'\]\(([\w/]+\.md)\)', TEXTS['docs/README.md'])) == pages


@pytest.mark.parametrize('page', TEXTS)
def test_named_files_exist(page):
    paths = set(
        re.findall(r'(?:tools|configs|clamp_mmpose|benchmarks|demos|tests)/[\w./-]+\.(?:py|sh|yml)\b', TEXTS[page])
    )
    named = [path for path in paths if not path.startswith('configs/own/')]  # those are written by new-config
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_architecture_names_every_folder():
    rows = re.findall(r'^\| `([\w.]+)/?` \|', TEXTS['docs/architecture.md'], re.MULTILINE)
    folders = {path.name for path in (ROOT / 'clamp_mmpose').iterdir() if (path / '__init__.py').exists()}
    assert set(rows) == folders | {'compat.py'}


def test_readme_is_short():
    assert len(TEXTS['README.md'].splitlines()) <= 100
    assert TEXTS['README.md'].count('![') == 1


def commands():
    """(page, module of clamp_mmpose.cli, arguments) of every command in a code block."""
    for page, text in TEXTS.items():
        for block in re.findall(r'```sh\n(.*?)```', text, re.DOTALL):
            for line in block.replace('\\\n', ' ').splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ['python'] and words[1].startswith('tools/'):
                    yield page, Path(words[1]).stem, words[2:]
                if words[:1] == ['clamp-mmpose'] and words[1:2] not in ([], ['NAME']):
                    yield page, COMMANDS[words[1]].module, words[2:]


@pytest.mark.parametrize('page, module, arguments', list(commands()))
def test_commands_can_be_parsed(page, module, arguments):
    importlib.import_module(f'clamp_mmpose.cli.{module}').make_parser().parse_args(arguments)


def test_commands_are_found():
    modules = {module for _, module, _ in commands()}
    assert modules >= {'train', 'test', 'predict', 'export', 'zero_shot', 'score_mp100'}


def test_make_targets_exist():
    targets = set(re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    named = {
        target for found in re.findall(r'`make ([a-z -]+)`|^make ([a-z-]+)', ALL, re.MULTILINE) for target in found
    }
    named = {target for names in named for target in names.split()}
    assert {'demo', 'test', 'lint'} <= named <= targets


def models():
    for metafile in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']:
        yield from yaml.safe_load((ROOT / metafile).read_text())['Models']


def test_experiments_are_those_of_the_metafiles():
    listed = {
        name: (config, ap and float(ap))
        for name, config, ap in re.findall(
            r'\[(\w[\w-]+)\]\(\.\./(configs/[\w./-]+\.py)\): (?:([\d.]+)|not in the paper)', REPRODUCTION
        )
    }
    assert listed == {
        model['Name']: (model['Config'], model['Results'][0]['Metrics'].get('AP', ''))
        for model in models()
        if model['In Collection'] not in ('FocusCLIP', 'TextQuery', 'CapeLLM', 'LLaVA-Pose', 'ChatPose')
    }


def test_tables_of_focus_clip_are_those_of_the_metafiles():
    rows = re.findall(r'^\| \[(focusclip_\S+|clip_\S+)\]\(\.\./(\S+)\)[^|]*\| (.*?) \|$', REPRODUCTION, re.MULTILINE)
    listed = {
        (name, config): tuple(float(cell) for cell in cells.split('|') if cell.strip()) for name, config, cells in rows
    }
    metafile = yaml.safe_load((ROOT / 'configs/focusclip/mpii/metafile.yml').read_text())
    assert listed == {
        (model['Name'], model['Config']): tuple(model['Results'][0]['Metrics'].values()) for model in metafile['Models']
    }
    for model in yaml.safe_load((ROOT / 'configs/focusclip/cub/metafile.yml').read_text())['Models']:
        assert f'[{model["Name"]}](../{model["Config"]}) {model["Results"][0]["Metrics"]["T1"]}' in REPRODUCTION


def test_table_of_llava_pose_is_that_of_the_metafile():
    rows = re.findall(r'^\| \[(llava-\S+)\]\(\.\./(configs/llava_pose/\S+)\) \| (.*?) \|$', REPRODUCTION, re.MULTILINE)
    listed = {
        (name, config): tuple(float(cell) for cell in cells.split('|') if cell.strip()) for name, config, cells in rows
    }
    metafile = yaml.safe_load((ROOT / 'configs/llava_pose/coco/metafile.yml').read_text())
    assert len(rows) == len(listed) == 11 and listed == {
        (model['Name'], model['Config']): tuple(model['Results'][0]['Metrics'].values()) for model in metafile['Models']
    }


def test_tables_of_chatpose_are_those_of_the_metafile():
    """Tables 6 and 7 by config, and ChatPose's own rows of Tables 8 to 10."""
    rows = re.findall(
        r'^\| \[(llava-\S+)\]\(\.\./(configs/chatpose/\S+)\)[^|]*\| (.*?) \|$', REPRODUCTION, re.MULTILINE
    )
    metafile = yaml.safe_load((ROOT / 'configs/chatpose/mixture/metafile.yml').read_text())
    errors = {
        (model['Name'], model['Config']): [
            result['Metrics']['PA-MPJPE (ChatPose)']
            for result in model['Results']
            if 'PA-MPJPE (ChatPose)' in result['Metrics']
        ]
        for model in metafile['Models']
    }
    assert len(rows) == 6 and errors == {
        (name, config): [float(cell) for cell in cells.split('|') if cell.strip()] for name, config, cells in rows
    }
    others = [list(result['Metrics'].values()) for result in metafile['Models'][0]['Results'][3:]]
    assert [*others[0], *others[1]] == [
        float(number) for number in re.findall(r'ChatPose (\d\.\d+) / (\d\.\d+)\. R@k', REPRODUCTION)[0]
    ]
    tables = re.findall(r'^\| ChatPose \| (\d[^|]*) \| (\d[^|]*) \|$', REPRODUCTION, re.MULTILINE)
    assert others[2:] == [[float(number) for cell in cells for number in cell.split(' / ')] for cells in tables[:2]]
