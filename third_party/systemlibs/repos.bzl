"""All external repositories, from Debian packages; nothing is downloaded."""

load(":absl_targets.bzl", "ABSL_TARGETS")
load(":system_repository.bzl", "system_repository")

_HERE = "//third_party/systemlibs:"

_WKT = ["any", "api", "descriptor", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers"]

def _label(f):
    # Label() resolves in the repository of this .bzl, so that downstreams work.
    return str(Label(_HERE + f))

def system_repos():
    """name -> attributes of system_repository."""
    return {
        "boost": dict(
            apt = ["libboost1.81-dev"],
            required_files = ["/usr/include/boost/asio.hpp"],
            files = {_label("overlays/boost.BUILD"): "BUILD.bazel"},
        ),
        "boringssl": dict(
            apt = ["android-libboringssl-dev"],
            files = {_label("overlays/boringssl.BUILD"): "BUILD.bazel"},
            symlinks = {"/usr/include/android/openssl": "include/openssl"},
            required_files = ["/usr/lib/{multiarch}/android/libssl.so.0"],
        ),
        "com_github_google_benchmark": dict(
            apt = ["libbenchmark-dev"],
            targets = {
                ":benchmark": "benchmark",
                ":benchmark_main": "-lbenchmark_main benchmark",
            },
        ),
        "com_google_absl": dict(
            apt = ["libabsl-dev"],
            required_files = ["/usr/include/absl/base/config.h"],
            targets = ABSL_TARGETS,
        ),
        "com_google_googletest": dict(
            apt = ["libgtest-dev", "libgmock-dev"],
            targets = {
                ":gtest": "gmock gtest",
                ":gtest_main": "gmock_main gmock gtest",
                ":gtest_prod": "",
            },
        ),
        "com_google_protobuf": dict(
            apt = ["libprotobuf-dev", "protobuf-compiler"],
            files = {
                _label("overlays/protobuf.BUILD"): "BUILD.bazel",
                _label("shims/bzl.BUILD"): "bazel/BUILD.bazel",
                _label("shims/protobuf.cc_proto_library.bzl"): "bazel/cc_proto_library.bzl",
                _label("shims/protobuf.proto_library.bzl"): "bazel/proto_library.bzl",
            },
            symlinks = dict(
                [("/usr/include/google/protobuf/%s.proto" % n, "google/protobuf/%s.proto" % n) for n in _WKT] +
                [("/usr/bin/protoc", "protoc")],
            ),
        ),
        "hiredis": dict(
            apt = ["libhiredis-dev"],
            targets = {":hiredis": "hiredis"},
        ),
        "libevent": dict(
            apt = ["libevent-dev"],
            targets = {":libevent": "libevent"},
        ),
        "lz4": dict(
            apt = ["liblz4-dev"],
            targets = {
                ":lz4": "liblz4",
                ":lz4_frame": "liblz4",
                ":lz4_hc": "liblz4",
            },
        ),
        "rocksdb": dict(
            apt = ["librocksdb-dev"],
            targets = {":rocksdb": "rocksdb"},
        ),
        "spdlog": dict(
            apt = ["libspdlog-dev", "libfmt-dev"],
            targets = {":spdlog": "spdlog"},
        ),
        "zlib": dict(
            apt = ["zlib1g-dev"],
            targets = {":zlib": "zlib"},
        ),
    }

def bazel_shim_repos():
    """Repositories that Bazel 4.2 itself would otherwise download."""
    return {
        # Bazel 7 (Debian depends on the package); not needed by 4.2.
        "bazel_skylib": dict(local_path = "/usr/share/bazel/tools/skylib"),
        "remote_coverage_tools": dict(
            files = {
                _label("shims/coverage.py"): "coverage.py",
                _label("shims/remote_coverage_tools.BUILD"): "BUILD.bazel",
            },
        ),
        "rules_cc": dict(files = {
            _label("shims/bzl.BUILD"): "cc/BUILD.bazel",
            _label("shims/rules_cc.defs.bzl"): "cc/defs.bzl",
        }),
        "rules_java": dict(files = {
            _label("shims/bzl.BUILD"): "java/BUILD.bazel",
            _label("shims/rules_java.defs.bzl"): "java/defs.bzl",
        }),
        "rules_proto": dict(files = {
            _label("shims/rules_proto.defs.bzl"): "proto/defs.bzl",
            _label("shims/rules_proto.native.bzl"): "proto/native.bzl",
            _label("shims/bzl.BUILD"): "proto/BUILD.bazel",
        }),
        # Bazel 7 with --noenable_bzlmod.
        "rules_python": dict(files = {
            _label("shims/bzl.BUILD"): "python/BUILD.bazel",
            _label("shims/rules_python.defs.bzl"): "python/defs.bzl",
        }),
    }

def define(repos, maybe = True):
    for name, attrs in repos.items():
        if not (maybe and native.existing_rule(name)):
            system_repository(name = name, **attrs)
