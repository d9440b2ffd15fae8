"""The C++ rules of this workspace: the stock ones plus its include path and warnings.

Every header is included as "coffer/<folder>/<file>.h", here and downstream, whatever
the workspace is called there; the prefix is given here and nowhere else.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

# -Werror is not here but in .bazelrc, so that a downstream build with another
# compiler is not stopped by a warning of ours.
COFFER_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
]

# How to begin with a precompiled header (pch.bzl). clang looks for one by itself only
# among those with the very same -D flags.
def _pch(name):
    repository = native.repository_name().lstrip("@")
    folder = "external/" + repository + "/" if repository else ""
    header = "$(BINDIR)/" + folder + "tools/bazel/" + name + ".h"
    return select({
        _USE_PCH: ["-include", header],
        _USE_CLANG_PCH: ["-include-pch", header + ".gch/pic"],
        "//conditions:default": [],
    })

def _pch_deps(name):
    pch = [str(Label("//tools/bazel:" + name))]
    return select({
        _USE_PCH: pch,
        _USE_CLANG_PCH: pch,
        "//conditions:default": [],
    })

_USE_PCH = str(Label("//tools/bazel:use_pch"))
_USE_CLANG_PCH = str(Label("//tools/bazel:use_clang_pch"))

def coffer_cc_library(name, copts = [], deps = [], **kwargs):
    """A cc_library whose headers are included as "coffer/<package>/<header>".

    Args:
      name: target name.
      copts: added to the warnings.
      deps: as of a cc_library.
      **kwargs: passed to cc_library.
    """
    cc_library(
        name = name,
        copts = COFFER_COPTS + copts + _pch("coffer_pch"),
        deps = deps + _pch_deps("coffer_pch"),
        include_prefix = "coffer/" + native.package_name(),
        strip_include_prefix = "",
        **kwargs
    )

def coffer_cc_binary(name, copts = [], deps = [], **kwargs):
    cc_binary(
        name = name,
        copts = COFFER_COPTS + copts + _pch("coffer_pch"),
        deps = deps + _pch_deps("coffer_pch"),
        **kwargs
    )

def coffer_cc_test(
        name,
        copts = [],
        size = "small",
        deps = [],
        tags = [],
        threads = False,
        **kwargs):
    """A cc_test on GoogleTest.

    Args:
      name: target name.
      copts: added to the warnings.
      size: as of a cc_test.
      deps: added to GoogleTest.
      tags: as of a cc_test.
      threads: it starts threads or processes: what the thread sanitizer is for.
      **kwargs: passed to cc_test.
    """
    cc_test(
        name = name,
        size = size,
        tags = tags + (["threads"] if threads else []),
        copts = COFFER_COPTS + copts + _pch("coffer_test_pch"),
        deps = deps + ["@com_google_googletest//:gtest_main"] +
               _pch_deps("coffer_test_pch"),
        **kwargs
    )
