"""Checks that the documents are true of the tree, as far as text can tell.

Each returns its breaches, a line each. A document is a .md file; testing/ has a
test of its own for its README.
"""

import os
import re
import textwrap

from source_text import list_files

_BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REGION = re.compile(r"^ *// \[(\w+)\]\n(.*?)^ *// \[/\1\]$",
                     re.MULTILINE | re.DOTALL)
# Outside of code blocks.
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_LABEL = re.compile(r"`(?:@coffer)?//([\w/.-]*):([\w.-]+)`")
_TEST_NAME = re.compile(r"`([A-Z]\w*)\.([A-Z]\w*)`")
_TEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
# What the storage conformance suite registers at run time.
_STORAGE_CHECK = re.compile(r'\{"(\w+)", \w+,\s+Check\w+[,}]')


def read_documents(root):
    """Returns {path: text}."""
    documents = {}
    for path in list_files(root):
        if path.endswith(".md") and not path.startswith("testing/"):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                documents[path] = f.read()
    return documents


def _places(pattern, documents):
    """Yields "path:line: ", match for the text outside of code blocks."""
    for path, text in sorted(documents.items()):
        prose = re.sub(r"^```.*?^```$", lambda m: "\n" * m.group().count("\n"),
                       text, flags=re.MULTILINE | re.DOTALL)
        for match in pattern.finditer(prose):
            line = prose.count("\n", 0, match.start()) + 1
            yield "%s:%d: " % (path, line), match


def compiled_code(documents, sources):
    """C++ that is shown is compiled: a region of a file of examples.

    Those are below examples/ and sdk/examples/. A region stands between
    `// [name]` and `// [/name]`. Every one is shown, and every block of C++ is
    one, byte for byte but for the indentation of the whole.
    """
    regions = {}
    for path, text in sources.items():
        if path.startswith(("examples/", "sdk/examples/")):
            for name, code in _REGION.findall(text):
                regions["%s [%s]" % (path, name)] = textwrap.dedent(code)
    breaches = []
    shown = set()
    for path, text in sorted(documents.items()):
        for match in _BLOCK.finditer(text):
            same = [n for n, code in regions.items() if code == match.group(1)]
            shown.update(same)
            if not same:
                line = text.count("\n", 0, match.start()) + 1
                breaches.append("%s:%d: this code is no region of a file of "
                                "examples" % (path, line))
    return breaches + ["%s is shown nowhere" % name
                       for name in sorted(set(regions) - shown)]


def _has_target(root, package, name):
    for build in ("BUILD.bazel", "BUILD"):
        try:
            with open(os.path.join(root, package, build), encoding="utf-8") as f:
                if re.search(r'name = "%s"' % re.escape(name), f.read()):
                    return True
        except OSError:
            pass
    return False


def references(root, documents):
    """Files that are linked and targets that are named exist."""
    breaches = []
    for place, match in _places(_LINK, documents):
        target = match.group(1)
        if "://" in target:
            continue
        folder = os.path.dirname(place.split(":")[0])
        if not os.path.exists(os.path.join(root, folder, target)):
            breaches.append(place + "no file " + target)
    for place, match in _places(_LABEL, documents):
        if not _has_target(root, match.group(1), match.group(2)):
            breaches.append("%sno target //%s:%s" % (place, *match.groups()))
    return breaches


def test_names(documents, sources):
    """A test that is named, as `Suite.Name`, exists."""
    tests = set()
    storage_checks = set()
    for path, text in sources.items():
        tests.update(_TEST.findall(text))
        if path.startswith("testing/storage/"):
            storage_checks.update(_STORAGE_CHECK.findall(text))
    breaches = []
    for place, match in _places(_TEST_NAME, documents):
        suite, name = match.groups()
        if (suite, name) not in tests and not (
                suite.endswith("StorageConformance") and name in storage_checks):
            breaches.append("%sno test %s.%s" % (place, suite, name))
    return breaches
