"""The documentation as a site: built without a warning, every link works, nothing comes from another machine."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

pytest.importorskip('mkdocs', reason='needs pip install ".[docs]"')
pytest.importorskip('mkdocstrings')

from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).parents[1]


class Page(HTMLParser):
    """The ids, links, loaded files and paragraphs of a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loaded, self.paragraphs, self.inside = set(), [], [], [], False
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get('id'))
        if tag == 'a' and values.get('href'):
            self.links.append(values['href'])
        if tag in ('img', 'script') and values.get('src'):
            self.loaded.append(values['src'])
        if tag == 'link' and values.get('rel') in ('stylesheet', 'icon', 'preconnect'):
            self.loaded.append(values['href'])
        if tag == 'p':
            self.inside = True
            self.paragraphs.append('')

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != 'p'

    def handle_data(self, data):
        if self.inside:
            self.paragraphs[-1] += data


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp('site')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # the docstrings are searched for from here
        build(load_config(str(ROOT / 'mkdocs.yml'), site_dir=str(folder), strict=True))
    return folder


@pytest.fixture(scope='module')
def pages(site):
    return {path: Page(path) for path in site.rglob('*.html') if path.name != '404.html'}


def test_every_page_is_in_the_site(site):
    for page in (ROOT / 'docs').rglob('*.md'):
        name = page.relative_to(ROOT / 'docs').with_suffix('')
        assert (site / ('' if name.name == 'README' else name) / 'index.html').is_file(), name
    assert (site / 'contributing/index.html').is_file() and (site / 'changelog/index.html').is_file()


def test_links_lead_to_files_and_headings(site, pages):
    found = 0
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            if re.match(r'[a-z]+:', link):
                continue
            name, _, heading = unquote(link).partition('#')
            target = (path.parent / name).resolve() if name else path
            target = target / 'index.html' if target.is_dir() else target
            assert target.is_file(), f'{path.relative_to(site)}: {link}'
            if heading and target in pages:
                assert heading in pages[target].ids, f'{path.relative_to(site)}: {link}'
            found += 1
    assert found > 1000


def test_nothing_is_loaded_from_other_machines(pages):
    assert [link for page in pages.values() for link in page.loaded if '//' in link] == []


def test_lists_are_lists(site, pages):
    """MkDocs, unlike GitHub, wants an empty line before a list and a list in a list to be indented by four spaces."""
    for path, page in pages.items():
        assert [text for text in page.paragraphs if re.search(r'^\s*(- |\d\. |\| )', text, re.M)] == [], (
            path.parent.name
        )


def test_files_of_the_repository_are_shown_as_text(site):
    source = site / 'source/configs/clamp/ap10k/clamp_vit-b_ap10k.py.txt'
    assert source.read_text() == (ROOT / 'configs/clamp/ap10k/clamp_vit-b_ap10k.py').read_text()


def test_the_api_has_arguments_and_shapes(site):
    text = re.sub(r'<[^>]+>', '', (site / 'api/models/index.html').read_text(encoding='utf-8'))
    assert 'Finds keypoints named in text (CapeX, Rusanovsky et al. 2024' in text and 'decoder_layers=3' in text
    for name in ('CLAMPHead', 'CapeLLMHead', 'TIMMBackbone', 'HFTextEncoder', 'CausalLanguageModel', 'FocusCLIP'):
        assert name in text
    for page in (site / 'api').rglob('*.html'):
        assert re.findall(r':(?:class|func|mod):|~clamp_mmpose', page.read_text(encoding='utf-8')) == [], page.parent
