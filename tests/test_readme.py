import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]

README = (ROOT / 'README.md').read_text(encoding='utf-8')


def test_links_lead_to_files():
    links = [link for link in re.findall(r'\]\(([^)\s]+)\)', README) if '://' not in link and link[0] != '#']
    assert len(links) > 40
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_paths_in_commands_exist():
    paths = set(re.findall(r'(?:tools|configs)/[\w./-]+\.(?:py|sh)', README))
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_experiments_are_those_of_the_metafiles():
    told = {
        name: (config, ap and float(ap))
        for name, config, ap in re.findall(
            r'\[(\w[\w-]+)\]\((configs/[\w./-]+\.py)\): (?:([\d.]+)|not in the paper)', README
        )
    }
    known = {}
    for metafile in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']:
        for model in yaml.safe_load((ROOT / metafile).read_text())['Models']:
            if model['In Collection'] not in ('FocusCLIP', 'TextQuery'):
                known[model['Name']] = (model['Config'], model['Results'][0]['Metrics'].get('AP', ''))
    assert told == known


def test_tables_of_focus_clip_are_those_of_the_metafiles():
    rows = re.findall(r'^\| \[(focusclip_\S+|clip_\S+)\]\((\S+)\)[^|]*\| (.*?) \|$', README, re.MULTILINE)
    told = {
        (name, config): tuple(float(cell) for cell in cells.split('|') if cell.strip()) for name, config, cells in rows
    }
    metafile = yaml.safe_load((ROOT / 'configs/focusclip/mpii/metafile.yml').read_text())
    assert told == {
        (model['Name'], model['Config']): tuple(model['Results'][0]['Metrics'].values()) for model in metafile['Models']
    }
    for model in yaml.safe_load((ROOT / 'configs/focusclip/cub/metafile.yml').read_text())['Models']:
        assert f'[{model["Name"]}]({model["Config"]}) {model["Results"][0]["Metrics"]["T1"]}' in README
