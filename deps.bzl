"""coffer_deps(): everything a downstream WORKSPACE needs."""

load("//third_party/systemlibs:repos.bzl", "bazel_shim_repos", "define", "system_repos")

def coffer_bazel_deps():
    define(bazel_shim_repos())

def coffer_deps():
    define(bazel_shim_repos())
    define(system_repos())
