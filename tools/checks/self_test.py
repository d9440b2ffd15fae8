"""Plants breaches for each check, and near misses that it must let pass."""

import json
import os
import tempfile
import unittest

import document_checks
import include_checks
import layer_checks
import source_checks
import test_summary


class IncludePrefixTest(unittest.TestCase):

    def test_finds_each_bare_spelling(self):
        for line in ('#include "sdk/frame/frame_header.h"',
                     '#include "server/limits.h"',
                     "#include <testing/dummy_stream.h>",
                     ' # include "proto/kv.pb.h"',
                     '#include "../frame/frame_header.h"',
                     '/* why */ \n#include "tools/cli/value.h"'):
            found = source_checks.include_prefix({"a.cc": "int a;\n" + line})
            self.assertEqual(len(found), 1, line)
            self.assertRegex(found[0], r"^a\.cc:[23]: ")

    def test_passes_the_prefix_and_comments(self):
        text = ('#include "coffer/sdk/client.h"\n#include <sdkddkver.h>\n'
                '// #include "sdk/client.h"\n/*\n#include "sdk/client.h"\n*/\n')
        self.assertEqual(source_checks.include_prefix({"a.h": text}), [])


class HiddenIncludesTest(unittest.TestCase):

    BUILD = '_INCLUDES = [\n    "<memory>",\n    "\\"gtest/gtest.h\\"",\n]\n'

    def find(self, sources, build=BUILD):
        return include_checks.hidden_includes(build, sources)

    def test_finds_a_name_without_its_header(self):
        for code, name in (("std::make_unique<int>(1)", "<memory>"),
                           ("asio::awaitable<void> F();",
                            "<boost/asio/awaitable.hpp>"),
                           ("absl::StatusOr<int> F();",
                            '"absl/status/statusor.h"'),
                           ("TEST(A, B) {}", '"gtest/gtest.h"'),
                           ("v1::CommandRequest r;", '"coffer/v1/kv.pb.h"')):
            found = self.find({"a.cc": "#include <cstdint>\n" + code})
            self.assertEqual(len(found), 1, found)
            self.assertTrue(found[0].startswith("a.cc:2: "), found)
            self.assertTrue(found[0].endswith(" without " + name), found)

    def test_finds_a_header_of_which_it_knows_nothing(self):
        found = self.find({}, self.BUILD.replace("<memory>", "<regex>"))
        self.assertEqual(len(found), 1, found)

    def test_a_source_that_nobody_includes_does_not_help(self):
        self.assertEqual(len(self.find({
            "a.cc": '#include "coffer/b.h"\nstd::string s;',
            "b.h": '#include "coffer/c.h"\n', "c.h": "", "d.h": "#include <string>"
        })), 1)

    def test_passes_what_is_included(self):
        self.assertEqual(self.find({
            "a.cc": '#include "coffer/b.h"\nstd::string s; F("TEST(A, B)");',
            "b.h": '#include "coffer/c.h"\n// absl::StatusOr\n',
            "c.h": '#include "coffer/b.h"\n#include <string>\n'}), [])


class RealClockTest(unittest.TestCase):

    def test_finds_each_way_to_the_clock(self):
        for code in ("std::chrono::steady_clock::now()",
                     "system_clock :: now()",
                     "std::chrono::high_resolution_clock::now()",
                     "absl::Now()", "absl::SleepFor(d)",
                     "asio::steady_timer t(ex);", "asio::system_timer t(ex);",
                     "std::this_thread::sleep_for(1ms)",
                     "std::this_thread::sleep_until(t)", "usleep(5)",
                     "clock_gettime(CLOCK_MONOTONIC, &t)"):
            for path in ("server/a.cc", "testing/manual_clock.h",
                         "sdk/clock_test.cc"):
                found = source_checks.real_clock({path: "int a = 1'000;\n" + code})
                self.assertEqual(len(found), 1, code)
                self.assertTrue(found[0].startswith(path + ":2: "), found)

    def test_finds_it_after_text_that_looks_like_a_comment(self):
        for before in ('f("//");', "f('\"');", 'f("/*");', 'f(R"x(")x");',
                       'f("\\"");', "int a = 1'0'0; int b = 0xF'F;"):
            found = source_checks.real_clock({"a.cc": before + " absl::Now();"})
            self.assertEqual(len(found), 1, before)

    def test_passes_the_clock_comments_and_type_names(self):
        self.assertEqual(source_checks.real_clock({
            "sdk/clock.cc": "steady_clock::now();",
            "sdk/clock.h": "asio::steady_timer t;",
            "a.h": "// steady_clock::now()\n/* absl::Now() */ "
                   'f("sleep_for"); using C = std::chrono::steady_clock; '
                   "clock.Now();",
        }), [])


class FormattingTest(unittest.TestCase):

    def _breaches(self, text):
        with tempfile.TemporaryDirectory() as root:
            with open(os.path.join(root, ".clang-format"), "w",
                      encoding="utf-8") as f:
                f.write("BasedOnStyle: Google\n")
            with open(os.path.join(root, "a.cc"), "w", encoding="utf-8") as f:
                f.write(text)
            return source_checks.formatting(root, ["a.cc"])

    def test_finds_a_misplaced_star(self):
        self.assertEqual(len(self._breaches("int *a;\nint   b;\n")), 1)

    def test_passes_formatted_text(self):
        self.assertEqual(self._breaches("int* a;\n"), [])

    def test_finds_a_file_that_cannot_be_read(self):
        self.assertTrue(source_checks.formatting("/nonexistent", ["a.cc"]))


def _rules(**kwargs):
    """Rules from XML such as `bazel query` writes."""
    xml = ['<?xml version="1.1" encoding="UTF-8" standalone="no"?>\n'
           '<query version="2">']
    for name, (kind, testonly, deps) in kwargs.items():
        label = "//" + name.replace("__", "/").replace("_to_", ":")
        xml.append('<rule class="%s" name="%s">' % (kind, label))
        xml.append('<boolean name="testonly" value="%s"/>' % testonly)
        xml += ['<rule-input name="%s"/>' % d for d in deps]
        xml.append("</rule>")
    return layer_checks.parse("".join(xml + ["</query>"]))


class SdkLayerTest(unittest.TestCase):

    def test_finds_a_path_through_another_folder(self):
        rules = _rules(
            sdk_to_client=("cc_library", "false", ["//proto:helpers"]),
            proto_to_helpers=("cc_library", "false", ["//server/storage:x"]),
            server__storage_to_x=("cc_library", "false", []))
        self.assertEqual(
            layer_checks.sdk_layer(rules),
            ["//sdk:client -> //proto:helpers -> //server/storage:x"])

    def test_finds_testing_below_a_new_package(self):
        rules = _rules(sdk__new_to_x=("cc_library", "false", ["//testing:y"]))
        self.assertEqual(layer_checks.sdk_layer(rules),
                         ["//sdk/new:x -> //testing:y"])

    def test_passes_tests_and_names_that_only_begin_alike(self):
        rules = _rules(
            sdk_to_a_test=("cc_test", "false", ["//server:x"]),
            sdk_to_mocks=("cc_library", "true", ["//testing:y"]),
            sdk_to_b=("cc_library", "false", ["//server_info:x", "@x//server:y"]),
            sdkx_to_c=("cc_library", "false", ["//server:x"]))
        self.assertEqual(layer_checks.sdk_layer(rules), [])


class DataPathLayerTest(unittest.TestCase):

    def _breaches(self, label, dep, kind="cc_library", testonly="false"):
        name = label[2:].replace("/", "__").replace(":", "_to_")
        return layer_checks.data_path_layer(
            _rules(**{name: (kind, testonly, [dep])}))

    def test_finds_each_edge_against_the_order(self):
        for label, dep in (
                ("//proto:value", "//sdk/internal:assert"),
                ("//sdk:clock", "//sdk/internal:assert"),
                ("//sdk/internal:spawn", "//sdk:client"),
                ("//sdk/internal:spawn", "//sdk/frame:frame_error"),
                ("//sdk/frame:frame_decoder", "//proto:kv_cc_proto"),
                ("//sdk/frame:frame_decoder", "//sdk/stream:framed_stream"),
                ("//sdk/frame:frame_decoder", "//sdk/newfolder:x"),
                ("//sdk/status:codes", "//sdk/stream:framed_stream"),
                ("//sdk/stream:framed_stream", "//sdk:client"),
                ("//sdk/stream:framed_stream", "//sdk/stream/tls:ssl"),
                ("//sdk:client", "//server:limits"),
                ("//sdk:client", "//tools/cli:value"),
                ("//server/storage:x", "//server/service:service"),
                ("//server/storage:x", "//sdk/frame:frame_error"),
                ("//server/service:x", "//server/session:peer"),
                ("//server/service/commands:x", "//server/session:peer"),
                ("//server/service:x", "//server:limits"),
                ("//server/session:x", "//server:worker"),
                ("//server/session:x", "//server/storage:storage"),
                ("//server:worker", "//tools/certs:x"),
                ("//server:worker", "//sdk:client"),
                ("//server:worker", "//:sdk")):
            found = self._breaches(label, dep)
            self.assertEqual(len(found), 1, (label, dep))
            self.assertTrue(found[0].startswith("%s -> %s: " % (label, dep)))

    def test_passes_the_order_tests_and_what_is_not_ours(self):
        for label, dep in (
                ("//sdk/frame:x", "//sdk/internal:assert"),
                ("//sdk/frame:x", "//sdk/frame:x.cc"),
                ("//sdk:clock", "//sdk:clock.h"),
                ("//sdk/frame:x", "@boost//:headers"),
                ("//sdk/internal:x", "//sdk:clock"),
                ("//server/session:x", "//server:limits"),
                ("//server/service/commands:x", "//server/service:hooks"),
                ("//tools/cli:kvc", "//sdk:connect")):
            self.assertEqual(self._breaches(label, dep), [])
        self.assertEqual(self._breaches(
            "//sdk/frame:x", "//testing:y", testonly="true"), [])
        self.assertEqual(self._breaches(
            "//sdk/frame:x_test", "//tools/cli:y", kind="cc_test"), [])

    def test_no_line_of_the_table_allows_what_is_above_it(self):
        below = []
        for layer, allowed in layer_checks.LAYERS.items():
            self.assertLessEqual(set(allowed), set(below), layer)
            below.append(layer)


class ShippingLayerTest(unittest.TestCase):

    def test_finds_a_binary_with_a_double_inside(self):
        rules = _rules(
            server_to_kvs=("cc_binary", "false", ["//server:session"]),
            server_to_session=("cc_library", "false", ["//testing:fake"]),
            testing_to_fake=("cc_library", "true", []))
        self.assertEqual(layer_checks.shipping_layer(rules), [
            "//server:kvs -> //server:session -> //testing:fake",
            "//server:session -> //testing:fake"])

    def test_finds_a_double_that_is_not_testonly(self):
        rules = _rules(testing_to_fake=("cc_library", "false", []))
        self.assertEqual(layer_checks.shipping_layer(rules),
                         ["//testing:fake is not testonly"])

    def test_passes_tests(self):
        rules = _rules(
            server_to_a_test=("cc_test", "false", ["//testing:fake"]),
            testing_to_fake=("cc_library", "true", ["//sdk:clock"]))
        self.assertEqual(layer_checks.shipping_layer(rules), [])


class CompiledCodeTest(unittest.TestCase):

    SOURCES = {"examples/a.cc": "int a;\n// [one]\nf();\n\ng();\n// [/one]\n",
               "sdk/b.cc": "// [two]\nh();\n// [/two]\n",
               "sdk/examples/c.cc": "  // [in]\n  i();\n    j();\n  // [/in]\n"}
    INDENTED = "```cpp\ni();\n  j();\n```\n"

    def _breaches(self, text):
        return document_checks.compiled_code({"README.md": text}, self.SOURCES)

    def test_finds_code_that_differs_and_code_from_elsewhere(self):
        shown = "```cpp\nf();\n\ng();\n```\n" + self.INDENTED
        for block in ("```cpp\nf();\ng();\n```\n", "```cpp\nf();\n\ng(); \n```\n",
                      "```cpp\nh();\n```\n"):
            found = self._breaches(shown + block)
            self.assertEqual(len(found), 1, block)
            self.assertTrue(found[0].startswith("README.md:10: "), found)

    def test_finds_a_region_that_is_not_shown(self):
        self.assertEqual(self._breaches("text\n"),
                         ["examples/a.cc [one] is shown nowhere",
                          "sdk/examples/c.cc [in] is shown nowhere"])

    def test_passes_the_same_code_and_other_languages(self):
        self.assertEqual(self._breaches(
            "```sh\nls\n```\n```cpp\nf();\n\ng();\n```\n" + self.INDENTED), [])


class ReferencesTest(unittest.TestCase):

    def _breaches(self, text):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "docs"))
            os.makedirs(os.path.join(root, "sdk"))
            for path, content in (("BUILD", 'alias(name = "kvs")'),
                                  ("sdk/BUILD.bazel", 'name = "clock",'),
                                  ("docs/a.md", text)):
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(content)
            return document_checks.references(root, {"docs/a.md": text})

    def test_finds_missing_files_and_targets(self):
        for text in ("\n[x](b.md)", "\n[x](BUILD)", "\n`//sdk:cloc`",
                     "\n`@coffer//:kvc`", "\n`//nowhere:x`"):
            found = self._breaches(text)
            self.assertEqual(len(found), 1, text)
            self.assertTrue(found[0].startswith("docs/a.md:2: "), found)

    def test_passes_what_exists_other_sites_and_code_blocks(self):
        self.assertEqual(self._breaches(
            "[x](a.md#part) [y](../sdk) [z](https://x.example/b) `//sdk:clock` "
            "`//:kvs` `@coffer//:kvs` `//sdk/...`\n```sh\n[x](b.md)\n```\n"), [])


class TestNamesTest(unittest.TestCase):

    SOURCES = {"a_test.cc": "TEST(Echo, Answers) {}\nTYPED_TEST(T,\n  Two) {}",
               "testing/storage/c.cc": '{"SetThenGet", Always, CheckSetThenGet},'}

    def _breaches(self, text):
        return document_checks.test_names({"a.md": text}, self.SOURCES)

    def test_finds_names_that_no_test_has(self):
        for name in ("Echo.Answer", "Echo.Two", "MemoryStorageConformance.Get",
                     "Echo.SetThenGet"):
            self.assertEqual(self._breaches("\n`%s`" % name),
                             ["a.md:2: no test " + name])

    def test_passes_tests_of_each_kind_and_file_names(self):
        self.assertEqual(self._breaches(
            "`Echo.Answers` `T.Two` `MemoryStorageConformance.SetThenGet` "
            "`README.md` `a.b`"), [])


class TestSummaryTest(unittest.TestCase):

    def _count(self, events, exit_code, may_be_empty=False):
        statuses, cases = test_summary.read(json.dumps(e) for e in events)
        return test_summary.count(statuses, cases, exit_code, may_be_empty)[:2]

    @staticmethod
    def _configured(label, is_test=True):
        body = {"testSize": "SMALL"} if is_test else {}
        return {"id": {"targetConfigured": {"label": label}},
                "configured": body}

    @staticmethod
    def _completed(label, success):
        return {"id": {"targetCompleted": {"label": label}},
                "completed": {"success": True} if success else {}}

    def _passed(self, label, xml='<t><testcase status="run"/></t>'):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "a b.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(xml)
        output = {"name": "test.xml",
                  "uri": "file://" + path.replace(" ", "%20")}
        return [self._configured(label), self._completed(label, True),
                {"id": {"testResult": {"label": label}},
                 "testResult": {"testActionOutput": [output]}},
                {"id": {"testSummary": {"label": label}},
                 "testSummary": {"overallStatus": "PASSED"}}]

    def test_counts_what_passed(self):
        events = self._passed("//a:a") + self._passed("//a:b", "<t><testcase/></t>")
        self.assertEqual(self._count(events, 0), (2, 0))

    def test_fails_what_was_not_built_or_not_run(self):
        events = (self._passed("//a:a") + [self._configured("//a:b")] +
                  [self._configured("//a:c"), self._completed("//a:c", False)])
        self.assertEqual(self._count(events, 1), (1, 2))

    def test_fails_a_library_that_was_not_built(self):
        events = self._passed("//a:a") + [
            self._configured("//a:l", is_test=False),
            self._completed("//a:l", False)]
        self.assertEqual(self._count(events, 1), (1, 1))

    def test_fails_a_target_that_ran_no_case(self):
        for xml in ("<t/>", '<t><testcase status="notrun"/></t>',
                    '<t><testcase status="run" result="skipped"/></t>', "<t"):
            events = self._passed("//a:a", xml)
            self.assertEqual(self._count(events, 0), (0, 1), xml)
            self.assertEqual(self._count(events, 0, True), (1, 0), xml)

    def test_fails_when_nothing_ran_or_bazel_did(self):
        self.assertEqual(self._count([], 0), (0, 1))
        self.assertEqual(self._count(self._passed("//a:a"), 37), (1, 1))
