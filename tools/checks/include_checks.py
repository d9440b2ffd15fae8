"""Checks of what the precompiled header hides: an include that is forgotten."""

import re

from source_text import strip_comments

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"][^>"\n]+[>"])', re.MULTILINE)
_PCH_ENTRY = re.compile(r'^\s*"(<[^">]+>|\\"[^"]+\\")",$', re.MULTILINE)

# What each header of the precompiled one is included for. A name that others
# declare too (std::move of iterators) is left out.
_NAMES = {
    "<boost/asio/any_completion_handler.hpp>": r"asio::any_completion_handler\b",
    "<boost/asio/any_io_executor.hpp>": r"asio::any_io_executor\b",
    "<boost/asio/as_tuple.hpp>": r"asio::as_tuple\b",
    "<boost/asio/awaitable.hpp>": r"asio::awaitable\b",
    "<boost/asio/bind_cancellation_slot.hpp>": r"asio::bind_cancellation_slot\b",
    "<boost/asio/bind_executor.hpp>": r"asio::bind_executor\b",
    "<boost/asio/cancellation_signal.hpp>":
        r"asio::cancellation_(?:signal|slot)\b",
    "<boost/asio/co_spawn.hpp>": r"asio::co_spawn\b",
    "<boost/asio/compose.hpp>": r"asio::async_compose\b",
    "<boost/asio/detached.hpp>": r"asio::detached\b",
    "<boost/asio/dispatch.hpp>": r"asio::dispatch\b",
    "<boost/asio/experimental/awaitable_operators.hpp>":
        r"\bawaitable_operators\b",
    "<boost/asio/io_context.hpp>": r"asio::io_context\b",
    "<boost/asio/ip/tcp.hpp>": r"\bip::tcp\b|\btcp::(?:socket|acceptor)\b",
    "<boost/asio/post.hpp>": r"asio::post\b",
    "<boost/asio/use_awaitable.hpp>": r"asio::use_awaitable\b",
    "<boost/asio/write.hpp>": r"asio::async_write\(",
    "<chrono>": r"std::chrono\b",
    "<functional>": r"std::function\b",
    "<map>": r"std::(?:multi)?map\b",
    "<memory>":
        r"std::(?:unique_ptr|shared_ptr|weak_ptr|make_unique|make_shared"
        r"|enable_shared_from_this)\b",
    "<mutex>":
        r"std::(?:mutex|lock_guard|unique_lock|scoped_lock|call_once)\b",
    "<optional>": r"std::(?:optional|nullopt)\b",
    "<string>": r"std::(?:string|to_string)\b",
    "<utility>": r"std::(?:move|forward|exchange|swap)\(|std::pair\b",
    "<vector>": r"std::vector\b",
    '"absl/container/flat_hash_map.h"': r"absl::flat_hash_map\b",
    '"absl/status/statusor.h"': r"absl::StatusOr\b",
    '"absl/strings/str_cat.h"': r"absl::(?:StrCat|StrAppend)\b",
    '"absl/time/time.h"':
        r"absl::(?:Time|Duration|Seconds|Milliseconds|ToUnix\w+|FromUnix\w+)\b",
    '"coffer/v1/kv.pb.h"': r"\bv1::\w",
    '"gmock/gmock.h"':
        r"\bMOCK_METHOD\(|\b(?:EXPECT|ASSERT)_THAT\(|\b(?:EXPECT|ON)_CALL\(",
    '"gtest/gtest.h"': r"\bTEST(?:_F|_P)?\(|\bTYPED_TEST\(|\b(?:EXPECT|ASSERT)_(?:EQ|TRUE)\(",
}

# What comes with another header of these, by its standard or its documents.
_COMES_WITH = {
    "<string>": {'"absl/strings/str_cat.h"'},
    '"gtest/gtest.h"': {'"gmock/gmock.h"'},
}


def precompiled(build_file):
    """Returns what the BUILD file puts into the precompiled headers."""
    return {name.replace('\\"', '"') for name in _PCH_ENTRY.findall(build_file)}


def _includes(sources):
    """Returns {path: its includes, with those of our headers that it includes}."""
    direct = {path: set(_INCLUDE.findall(strip_comments(text)))
              for path, text in sources.items()}
    whole = {}
    for path in direct:
        seen, ahead = set(), [path]
        names = set()
        while ahead:
            at = ahead.pop()
            if at in seen:
                continue
            seen.add(at)
            names |= direct[at]
            for name in direct[at]:
                own = name.strip('"')
                if own.startswith("coffer/") and own[len("coffer/"):] in direct:
                    ahead.append(own[len("coffer/"):])
        whole[path] = names
    return whole


def hidden_includes(build_file, sources):
    """A source includes what it uses of what a precompiled header has."""
    breaches = ["tools/bazel/BUILD.bazel: nothing is known of %s" % name
                for name in sorted(precompiled(build_file) - set(_NAMES))]
    patterns = {name: re.compile(pattern) for name, pattern in _NAMES.items()}
    includes = _includes(sources)
    for path, text in sources.items():
        code = strip_comments(text, strings=True)
        for name, pattern in patterns.items():
            if name in includes[path]:
                continue
            if _COMES_WITH.get(name, set()) & includes[path]:
                continue
            match = pattern.search(code)
            if match:
                breaches.append("%s:%d: %s without %s" % (
                    path, code.count("\n", 0, match.start()) + 1,
                    match.group().strip(), name))
    return breaches
