"""Checks of the C++ sources' text. Each returns its breaches, a line each."""

import collections
import os
import re
import shutil
import subprocess

from source_text import strip_comments

FORMATTER = "clang-format-14"  # versions differ in what they find beautiful

_BARE_INCLUDE = re.compile(
    r'^[ \t]*#[ \t]*include[ \t]*["<](?:\.\.?/|(?:sdk|server|testing|proto|tools)/)'
    r'[^">]*[">]',
    re.MULTILINE,
)

# The one place that may read the time, or wait for it to pass.
_CLOCK_FILES = ("sdk/clock.h", "sdk/clock.cc")
_REAL_CLOCK = re.compile(
    r"\b(?:steady|system|high_resolution)_clock\s*::\s*now\b"
    r"|\babsl\s*::\s*(?:Now|SleepFor|GetCurrentTimeNanos)\b"
    r"|\b(?:steady|system|high_resolution|deadline|waitable)_timer\b"
    r"|\bbasic_waitable_timer\b"
    r"|\bsleep_(?:for|until)\b"
    r"|\b(?:usleep|nanosleep|clock_nanosleep|clock_gettime|gettimeofday)\b"
)


def _matches(pattern, path, text):
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield "%s:%d: %s" % (path, line, " ".join(match.group().split()))


def include_prefix(sources):
    """Our own headers are included as "coffer/...", here and downstream."""
    breaches = []
    for path, text in sources.items():
        breaches += _matches(_BARE_INCLUDE, path, strip_comments(text))
    return breaches


def real_clock(sources):
    """Only sdk/clock reads a real clock, starts a real timer, or sleeps."""
    breaches = []
    for path, text in sources.items():
        if path not in _CLOCK_FILES:
            code = strip_comments(text, strings=True)
            breaches += _matches(_REAL_CLOCK, path, code)
    return breaches


def can_format():
    return shutil.which(FORMATTER) is not None


def formatting(root, paths):
    """Every source is as clang-format leaves it."""
    if not paths:
        return []
    result = subprocess.run(
        [FORMATTER, "--dry-run", "-Werror", "--style=file"] +
        [os.path.join(root, p) for p in paths],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = result.stdout.decode(errors="replace")
    places = collections.Counter(
        os.path.relpath(match, root)
        for match in re.findall(r"^(.+):\d+:\d+: error:", out, re.MULTILINE))
    if result.returncode != 0 and not places:
        return out.splitlines() or ["%s failed" % FORMATTER]
    return ["%s: not as %s leaves it in %d places" % (path, FORMATTER, n)
            for path, n in sorted(places.items())]
