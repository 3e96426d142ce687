"""Grammar errors, counted by LanguageTool (https://languagetool.org), a Java server."""

import shutil
import sys
from typing import Any, Callable, List, Optional, Sequence

HOW = (
    'install Java 17 and language-tool-python, then download LanguageTool (250 MB) with '
    'python -c "import language_tool_python as l; l.LanguageTool(\'en-US\')", or give a running server with '
    '--language-tool URL'
)


class GrammarMissing(ImportError):
    """LanguageTool is not installed; the message says what is missing and how to get it."""


def grammar_errors(
    texts: Sequence[str], server: Optional[str] = None, progress: Callable = lambda items, **_: items
) -> List[int]:
    """The number of errors of each text, in American English. Nothing is downloaded.

    Args:
        texts: N texts.
        server: address of a running server, such as ``http://localhost:8081``; None: start the installed one.
        progress: wraps the texts, such as ``rich.progress.track``.

    Raises:
        GrammarMissing: no server is given, and Java or LanguageTool is missing.
        ConnectionError: the server does not answer.
    """
    language_tool = _package()
    try:
        with _open(language_tool, server) as tool:
            return [len(tool.check(text)) for text in progress(texts, description='Grammar')]
    except language_tool.exceptions.LanguageToolError as error:
        raise ConnectionError(f'LanguageTool at {server or "this machine"} failed: {error}') from error


def _package() -> Any:
    try:
        import language_tool_python
    except ImportError as error:
        raise GrammarMissing(
            f'language-tool-python is missing ({sys.executable} -m pip install language-tool-python): {HOW}'
        ) from error
    return language_tool_python


def _open(language_tool: Any, server: Optional[str]) -> Any:
    if server is not None:
        return language_tool.LanguageTool('en-US', remote_server=server)
    if shutil.which('java') is None:
        raise GrammarMissing(f'Java is missing: {HOW}')
    from language_tool_python.download_lt import LocalLanguageTool

    installed = LocalLanguageTool.get_latest_installed_version()
    if installed is None:
        raise GrammarMissing(f'LanguageTool is missing: {HOW}')
    return language_tool.LanguageTool('en-US', language_tool_download_version=installed.version_name)
