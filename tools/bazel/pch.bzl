"""A precompiled header of what most sources include.

Parsing Asio, abseil and protobuf is most of what a small source costs to
compile. With --define=pch=1 every source of this workspace begins with one that
is parsed already, which halves a build from nothing. Builds without it (.bazelrc,
nopch) show that each source includes what it needs.

g++ is given the header, and takes a .gch file beside it that was made with the same
flags, or else the header; clang is given the file.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _precompiled_header_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    compiler = cc_common.get_tool_for_action(
        feature_configuration = features,
        action_name = "c++-compile",
    )
    deps = cc_common.merge_cc_infos(
        cc_infos = [dep[CcInfo] for dep in ctx.attr.deps],
    )
    context = deps.compilation_context

    # clang names what it has read by its absolute path, and looks for it there: not
    # in a sandbox, which is gone by then, nor in another checkout's output.
    clang = toolchain.compiler == "clang"
    flags = ["-fpch-instantiate-templates"] if clang else []
    requirements = {"no-sandbox": "1", "no-cache": "1"} if clang else {}

    header = ctx.actions.declare_file(ctx.label.name + ".h")
    ctx.actions.write(
        output = header,
        content = "".join(["#include %s\n" % name for name in ctx.attr.includes]),
    )
    # Bazel compiles all with PIC, but for programs with optimization.
    kinds = [("pic", True)]
    if ctx.var["COMPILATION_MODE"] == "opt":
        kinds.append(("no_pic", False))

    made = [header]
    for kind, pic in kinds:
        out = ctx.actions.declare_file(header.basename + ".gch/" + kind)
        variables = cc_common.create_compile_variables(
            feature_configuration = features,
            cc_toolchain = toolchain,
            source_file = header.path,
            output_file = out.path,
            user_compile_flags = ctx.fragments.cpp.copts +
                                 ctx.fragments.cpp.cxxopts,
            include_directories = context.includes,
            quote_include_directories = context.quote_includes,
            system_include_directories = context.system_includes,
            preprocessor_defines = context.defines,
            use_pic = pic,
        )
        ctx.actions.run(
            executable = compiler,
            arguments = ["-x", "c++-header"] + flags +
                        cc_common.get_memory_inefficient_command_line(
                            feature_configuration = features,
                            action_name = "c++-compile",
                            variables = variables,
                        ),
            env = cc_common.get_environment_variables(
                feature_configuration = features,
                action_name = "c++-compile",
                variables = variables,
            ),
            inputs = depset(
                [header],
                transitive = [context.headers, toolchain.all_files],
            ),
            outputs = [out],
            execution_requirements = requirements,
            mnemonic = "PrecompileHeader",
            progress_message = "Precompiling " + header.short_path,
        )
        made.append(out)
    return [
        DefaultInfo(files = depset(made)),
        CcInfo(
            compilation_context = cc_common.create_compilation_context(
                headers = depset(made, transitive = [context.headers]),
                defines = context.defines,
                includes = context.includes,
                quote_includes = context.quote_includes,
                system_includes = context.system_includes,
            ),
            # What it includes may refer to objects of Asio and others.
            linking_context = deps.linking_context,
        ),
    ]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "includes": attr.string_list(mandatory = True),
        "deps": attr.label_list(providers = [CcInfo]),
        "_cc_toolchain": attr.label(
            default = Label("@bazel_tools//tools/cpp:current_cc_toolchain"),
        ),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
