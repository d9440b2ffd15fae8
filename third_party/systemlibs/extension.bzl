"""bzlmod: the same repositories as coffer_deps(), for MODULE.bazel."""

load(":repos.bzl", "bazel_shim_repos", "define", "system_repos")

def _impl(_module_ctx):
    define(system_repos(), maybe = False)
    define({"remote_coverage_tools": bazel_shim_repos()["remote_coverage_tools"]}, maybe = False)

system_deps = module_extension(implementation = _impl)
