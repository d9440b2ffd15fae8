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

def coffer_cc_library(name, copts = [], **kwargs):
    """A cc_library whose headers are included as "coffer/<package>/<header>".

    Args:
      name: target name.
      copts: added to the warnings.
      **kwargs: passed to cc_library.
    """
    cc_library(
        name = name,
        copts = COFFER_COPTS + copts,
        include_prefix = "coffer/" + native.package_name(),
        strip_include_prefix = "",
        **kwargs
    )

def coffer_cc_binary(name, copts = [], **kwargs):
    cc_binary(
        name = name,
        copts = COFFER_COPTS + copts,
        **kwargs
    )

def coffer_cc_test(name, copts = [], size = "small", deps = [], **kwargs):
    cc_test(
        name = name,
        size = size,
        copts = COFFER_COPTS + copts,
        deps = deps + ["@com_google_googletest//:gtest_main"],
        **kwargs
    )
