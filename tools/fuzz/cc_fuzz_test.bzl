"""cc_fuzz_test: a libFuzzer target that is also an ordinary regression test."""

load("//tools/bazel:cc.bzl", "COFFER_COPTS")
load("@rules_cc//cc:defs.bzl", "cc_test")

def cc_fuzz_test(name, srcs, deps = [], corpus = [], copts = [], size = "small", **kwargs):
    """A cc_test that replays `corpus`; under --config=fuzz, a libFuzzer binary.

    To fuzz, run the binary itself: `bazel run` would add the corpus files to its
    arguments, which makes libFuzzer replay them and stop.

        bazel build --config=fuzz //sdk/frame:frame_decoder_fuzz
        bazel-bin/sdk/frame/frame_decoder_fuzz -runs=1000000 NEW_DIR CORPUS_DIR

    Args:
      name: target name.
      srcs: sources with LLVMFuzzerTestOneInput.
      deps: libraries.
      corpus: seed files (a glob).
      copts: added to the warnings.
      size: of the replay.
      **kwargs: passed to cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        copts = COFFER_COPTS + copts,
        args = ["$(location %s)" % f for f in corpus] + ["-runs=0"],
        data = corpus,
        linkstatic = True,
        deps = deps + ["//tools/fuzz:engine"],
        **kwargs
    )
