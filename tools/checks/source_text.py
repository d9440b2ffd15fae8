"""The sources of this tree, and the code in a C++ source without its prose."""

import os
import re
import subprocess

CXX = (".h", ".cc")

# One alternative a token whose text may hold anything. Raw strings come first,
# and a digit separator (1'000) does not begin a character.
_TOKENS = re.compile(
    r"""R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"
      | //(?:\\\n|[^\n])*
      | /\*.*?\*/
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'
    """,
    re.VERBOSE | re.DOTALL,
)


def strip_comments(text, strings=False):
    """Returns `text` without comments; also without literals, if `strings`.

    Lines keep their numbers.
    """

    def blank(match):
        token = match.group()
        if token.startswith(("//", "/*")):
            return " " + "\n" * token.count("\n")
        return '""' + "\n" * token.count("\n") if strings else token

    return _TOKENS.sub(blank, text)


def list_files(root):
    """Returns the paths of the tree: what git tracks or would track.

    Without git (an unpacked archive): every file not in a hidden or bazel-*
    folder.
    """
    try:
        out = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=root, check=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL).stdout
        paths = out.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        paths = []
        for folder, names, files in os.walk(root):
            names[:] = [n for n in names if not n.startswith((".", "bazel-"))]
            paths += [os.path.relpath(os.path.join(folder, f), root)
                      for f in files]
    return sorted(p for p in paths
                  if p and os.path.isfile(os.path.join(root, p)))


def read_sources(root):
    """Returns {path: text} of the C++ sources under `root`."""
    sources = {}
    for path in list_files(root):
        if path.endswith(CXX):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                sources[path] = f.read()
    return sources
