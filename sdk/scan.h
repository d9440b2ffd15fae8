// Scanning: the keys of a table, or the tables there are, one after the other,
// however many.
//
//   coffer::Scanner scanner = client.Scan("users");
//   for (;;) {
//     auto user = co_await scanner.Next();
//     if (!user.ok()) co_return user.status();
//     if (!user->has_value()) break;  // that was all
//     Use((*user)->key, (*user)->value);
//   }
//
// It takes pages from the server, each with a call of its own (with a deadline
// and retries as any), and fetches one while the one before is used. So it goes
// on when a connection is lost, and holds two pages at most, however large the
// table. Where it is, is known by the server's cursor alone: no server holds
// anything for it.
//
// A key that is there all the time is given once and only once; one that comes
// or goes meanwhile may be. In the order of keys if the server's engine has one
// (docs/guarantees.md). A server that was started anew without its data has
// other data: what a scan gives then says nothing of the data before
// (ServerInfo::retries_epoch tells).

#ifndef COFFER_SDK_SCAN_H_
#define COFFER_SDK_SCAN_H_

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "coffer/proto/text_arg.h"
#include "coffer/proto/value.h"
#include "coffer/sdk/call_options.h"
#include "coffer/sdk/connection.h"
#include "coffer/sdk/connection/page_stream.h"
#include "coffer/sdk/internal/mapped_handler.h"
#include "coffer/sdk/key_state.h"
#include "coffer/v1/kv.pb.h"

namespace coffer {

struct ScanOptions {
  ScanOptions() {}

  // Only keys that begin so.
  std::string prefix;
  // Only keys from `begin` on and before `end`, in the order of bytes; empty:
  // no bound.
  std::string begin;
  std::string end;
  // Versions and expiry without values.
  bool keys_only = false;
  // At most so many keys a page; 0: as many as the server likes.
  std::uint32_t page_size = 0;
  // Fetch a page while the one before is used.
  bool prefetch = true;
  // Where to go on: a Page's. All else but page_size and prefetch has to be as
  // it was there.
  std::string cursor;
};

struct TablesOptions {
  TablesOptions() {}

  // Only tables whose names begin so.
  std::string prefix;
  std::uint32_t page_size = 0;
  bool prefetch = true;
  std::string cursor;
};

template <class T = Value>
struct ScanEntry : Versioned<T> {
  std::string key;
};

template <class Entry>
struct Page {
  std::vector<Entry> entries;
  // What the next page is asked for with; empty: there is none.
  std::string cursor;
};

namespace internal {

v1::CommandRequest ToRequest(TextArg table, const ScanOptions& options);
v1::CommandRequest ToRequest(const TablesOptions& options);

// What of a page is an Entry, and how it is made.
template <class Entry>
struct EntryOf;

template <class T>
struct EntryOf<ScanEntry<T>> {
  static absl::StatusOr<ScanEntry<T>> Make(v1::KeyState state) {
    ScanEntry<T> entry;
    entry.key = std::move(*state.mutable_key());
    absl::StatusOr<Versioned<T>> versioned = ToVersioned<T>(std::move(state));
    if (!versioned.ok()) {
      return absl::Status(
          versioned.status().code(),
          absl::StrCat("key ", entry.key, ": ", versioned.status().message()));
    }
    static_cast<Versioned<T>&>(entry) = *std::move(versioned);
    return entry;
  }
  static auto Take(PageStream& pages) { return pages.TakeState(); }
  static auto& Items(v1::CommandResponse& page) {
    return *page.mutable_states();
  }
};

template <>
struct EntryOf<TableInfo> {
  static absl::StatusOr<TableInfo> Make(v1::TableInfo info) {
    return ToTableInfo(std::move(info));
  }
  static auto Take(PageStream& pages) { return pages.TakeTable(); }
  static auto& Items(v1::CommandResponse& page) {
    return *page.mutable_tables();
  }
};

template <class Entry>
absl::StatusOr<Page<Entry>> ToPage(v1::CommandResponse page) {
  Page<Entry> result;
  auto& items = EntryOf<Entry>::Items(page);
  result.entries.reserve(items.size());
  for (auto& item : items) {
    absl::StatusOr<Entry> entry = EntryOf<Entry>::Make(std::move(item));
    if (!entry.ok()) return entry.status();
    result.entries.push_back(*std::move(entry));
  }
  result.cursor = std::move(*page.mutable_cursor());
  return result;
}

}  // namespace internal

// Of Client::Scan and ListTables. Movable; destroyed, it cancels what is under
// way. Threads: any, one Next at a time.
template <class Entry>
class BasicScanner {
 public:
  BasicScanner(std::shared_ptr<Connection> connection, v1::CommandRequest first,
               CallOptions options, bool prefetch)
      : connection_(std::move(connection)),
        pages_(std::make_shared<internal::PageStream>(
            connection_, std::move(first), std::move(options), prefetch)) {}
  BasicScanner(BasicScanner&&) noexcept = default;
  BasicScanner& operator=(BasicScanner&& other) noexcept {
    BasicScanner ended(std::move(*this));
    connection_ = std::move(other.connection_);
    pages_ = std::move(other.pages_);
    return *this;
  }
  ~BasicScanner() {
    if (pages_ != nullptr) pages_->Stop();
  }

  boost::asio::any_io_executor get_executor() { return pages_->get_executor(); }

  // void(absl::StatusOr<std::optional<Entry>>): the next one; nullopt: that was
  // all.
  //
  // No error is final: the next call goes on where this one was, and asks the
  // server again. InvalidArgument from the client itself: the value of the key
  // that the message names is of another type; that key is passed over. A Next
  // that is cancelled takes nothing.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto Next(Token&& token = Token()) {
    return Take<std::optional<Entry>>(
        [](internal::PageStream& pages)
            -> absl::StatusOr<std::optional<Entry>> {
          auto item = internal::EntryOf<Entry>::Take(pages);
          if (!item.has_value()) return std::optional<Entry>();
          return internal::EntryOf<Entry>::Make(*std::move(item));
        },
        std::forward<Token>(token));
  }

  // void(absl::StatusOr<Page<Entry>>): all that is left of the page at hand, or
  // the next one; no entries: that was all. Its cursor is for a scan that goes
  // on from there, also in another process. As Next; but of a page with a value
  // of another type all is passed over.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto NextPage(Token&& token = Token()) {
    return Take<Page<Entry>>(
        [](internal::PageStream& pages) {
          return internal::ToPage<Entry>(pages.TakePage());
        },
        std::forward<Token>(token));
  }

 private:
  template <class Result, class TakeFrom, class Token>
  auto Take(TakeFrom take, Token&& token) {
    using Given = absl::StatusOr<Result>;
    return boost::asio::async_initiate<Token, void(Given)>(
        [pages = pages_, take](auto handler) {
          // Taken when the handler is called: not before, for it may never be.
          pages->Wait(internal::MapResult(
              std::move(handler), [pages, take](const absl::Status& status) {
                return status.ok() ? take(*pages) : Given(status);
              }));
        },
        token);
  }

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<internal::PageStream> pages_;
};

using Scanner = BasicScanner<ScanEntry<>>;
using TableScanner = BasicScanner<TableInfo>;

}  // namespace coffer

#endif  // COFFER_SDK_SCAN_H_
