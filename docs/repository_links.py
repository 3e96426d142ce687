"""A hook of MkDocs: what pages link to outside of docs/ becomes part of the site; docstrings lose Sphinx's roles."""

import html
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PAGES = {'CONTRIBUTING.md': 'contributing.md', 'CHANGELOG.md': 'changelog.md'}
ROLE = re.compile(r':(?:class|func|meth|mod|attr):(<code>)(?:~[\w.]*\.)?')  # of docstrings, for Sphinx
LINK = re.compile(r'(?<=\]\()([^)\s#:]+)(?=[#)])')


def on_files(files, config):
    """Add the pages at the root of the repository, and the linked files and folders below ``source/``."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    for path in sorted({path for file in files.documentation_pages() for path in linked(file)}):
        if path.is_dir():
            for member in sorted(path.rglob('*')):
                add_source(files, config, member)
        add_source(files, config, path)
    return files


def on_page_markdown(markdown, page, **kwargs):
    """Turn links relative to the repository into links of the site."""
    folder = posixpath.dirname(page.file.src_uri)

    def in_site(match):
        target = resolve(page.file, match[1])
        return match[1] if target is None else posixpath.relpath(site_path(target), folder or '.')

    return LINK.sub(in_site, markdown)


def on_page_content(content, **kwargs):
    """Show only the names of what docstrings refer to."""
    return ROLE.sub(r'\1', content)


def linked(file):
    """The files and folders of the repository, outside of docs/, that a page links to."""
    targets = (resolve(file, link) for link in LINK.findall(file.content_string))
    return [path for path in targets if path and path.name not in PAGES and ROOT / 'docs' not in path.parents]


def resolve(file, link):
    """The file or folder of the repository that a link of a page leads to; None for any other link."""
    path = Path(posixpath.normpath(posixpath.join(Path(file.abs_src_path).parent.as_posix(), link)))
    return path if path.exists() and path != ROOT and ROOT in path.parents else None


def site_path(path):
    """Where a file or folder of the repository is in the site."""
    name = path.relative_to(ROOT).as_posix()
    if name.startswith('docs/'):
        return name[len('docs/') :]
    if path.is_dir():
        return f'source/{name}/index.html'
    return PAGES.get(name, f'source/{name}.txt')  # as text: browsers show it instead of saving it


def add_source(files, config, path):
    """Add a file as text, or a folder as a list of links."""
    uri = site_path(path)
    if '__pycache__' in path.parts or files.get_file_from_path(uri):
        return
    if path.is_file():
        files.append(File.generated(config, uri, abs_src_path=str(path)))
        return
    members = [member for member in sorted(path.iterdir()) if member.name != '__pycache__']
    folder = posixpath.dirname(uri)
    links = [(html.escape(posixpath.relpath(site_path(member), folder)), member.name) for member in members]
    rows = ''.join(f'<li><a href="{link}">{name}</a></li>' for link, name in links)
    name = path.relative_to(ROOT).as_posix()
    text = f'<!doctype html><meta charset="utf-8"><title>{name}</title><h1>{name}</h1><ul>{rows}</ul>'
    files.append(File.generated(config, uri, content=text))
