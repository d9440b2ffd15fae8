#include "coffer/tools/cli/load_command.h"

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <set>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coffer/sdk/client.h"
#include "coffer/sdk/conditions.h"
#include "coffer/sdk/internal/pending_handler.h"
#include "coffer/tools/cli/dump_format.h"
#include "coffer/tools/cli/input_lines.h"

namespace coffer::cli {
namespace {

namespace asio = boost::asio;

// Of records that are sent and not answered. One of any size may be alone.
constexpr std::size_t kRecordsMax = 512;
constexpr std::size_t kBytesMax = 8 << 20;

constexpr absl::string_view kEndBegins = "{\"coffer_dump_end\":";

// Records under way. On one thread; shared with the handlers of their calls.
class Window : public std::enable_shared_from_this<Window> {
 public:
  Window(asio::any_io_executor executor, std::shared_ptr<LoadReport> report)
      : executor_(std::move(executor)), report_(std::move(report)) {}

  bool IsFull(std::size_t more_bytes) const {
    return !lines_.empty() &&
           (lines_.size() >= kRecordsMax || bytes_ + more_bytes > kBytesMax);
  }
  bool empty() const { return lines_.empty(); }
  const absl::Status& failure() const { return report_->failure; }

  void Send(Client& client, std::uint64_t line, std::size_t bytes,
            const DumpRecord& record) {
    lines_.insert(line);
    bytes_ += bytes;
    PutOptions options;
    if (record.expires_at_ms != 0) {
      options.expiry.set_at_ms(record.expires_at_ms);
    }
    client.Put(record.table, record.key, record.value, options,
               asio::bind_executor(
                   executor_, [self = shared_from_this(), line,
                               bytes](const absl::StatusOr<PutResult>& put) {
                     self->Done(line, bytes, put.status());
                   }));
  }

  // Until one of them is done. Cancelled.
  asio::awaitable<absl::Status> Wait() {
    return asio::async_initiate<const asio::use_awaitable_t<>,
                                void(absl::Status)>(
        [this](auto handler) {
          // First, for it takes the handler's cancellation slot.
          internal::PendingHandler<absl::Status>::Handler any(
              std::move(handler));
          internal::OnCancel(any, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) {
              self->Wake(absl::CancelledError("interrupted"));
            }
          });
          waiter_ =
              internal::PendingHandler<absl::Status>(std::move(any), executor_);
        },
        asio::use_awaitable);
  }

  // The first line that is not done, if `next` is the first that was not sent.
  std::uint64_t FirstOf(std::uint64_t next) const {
    return lines_.empty() ? next : *lines_.begin();
  }

  void Fail(std::uint64_t line, const absl::Status& why, bool malformed) {
    if (report_->failed_line != 0 && report_->failed_line < line) return;
    report_->failed_line = line;
    report_->failure = why;
    report_->malformed = malformed;
  }

 private:
  void Done(std::uint64_t line, std::size_t bytes, const absl::Status& status) {
    bytes_ -= bytes;
    if (status.ok()) {
      lines_.erase(line);
      ++report_->loaded;
    } else if (absl::IsCancelled(status)) {
      // The load is over; it stays one that is not done.
    } else {
      lines_.erase(line);
      Fail(line, status, false);
    }
    Wake(absl::OkStatus());
  }

  void Wake(absl::Status status) {
    if (!waiter_) return;
    auto waiter = std::move(waiter_);
    waiter.Dispatch(std::move(status));
  }

  const asio::any_io_executor executor_;
  const std::shared_ptr<LoadReport> report_;
  std::set<std::uint64_t> lines_;
  std::size_t bytes_ = 0;
  internal::PendingHandler<absl::Status> waiter_;
};

class Load {
 public:
  Load(asio::any_io_executor executor, Client client, const LoadParts& parts,
       const std::shared_ptr<LoadReport>& report)
      : client_(std::move(client)),
        parts_(parts),
        report_(*report),
        input_(executor),
        window_(std::make_shared<Window>(executor, report)) {}

  asio::awaitable<absl::Status> Run() {
    absl::Status status = parts_.file.empty() ? input_.Open(parts_.descriptor)
                                              : input_.Open(parts_.file);
    if (!status.ok()) co_return status;
    status = co_await LoadLines();
    // What was sent is waited for, whatever else has failed.
    while (!window_->empty() && !absl::IsCancelled(status)) {
      const absl::Status waited = co_await window_->Wait();
      if (!waited.ok()) status = waited;
    }
    TellNextLine();
    if (status.ok()) status = window_->failure();
    if (status.ok()) status = CheckEnd();
    co_return status;
  }

 private:
  asio::awaitable<absl::Status> LoadLines() {
    for (;; ++line_) {
      absl::StatusOr<std::optional<std::string>> line = co_await input_.Next();
      if (!line.ok()) co_return line.status();
      if (!line->has_value()) co_return absl::OkStatus();
      absl::StatusOr<DumpLine> read = absl::InvalidArgumentError("");
      // Of those that are not loaded, only the first one tells something.
      if (line_ >= parts_.from_line || line_ == 1) {
        read = ParseDumpLine(**line);
      }
      if (line_ == 1 && read.ok()) {
        has_header_ = std::holds_alternative<DumpHeader>(*read);
      }
      if (line_ < parts_.from_line) {
        has_end_ = absl::StartsWith(**line, kEndBegins);
        continue;
      }
      if (!read.ok()) {
        window_->Fail(line_, read.status(), true);
        co_return absl::OkStatus();
      }
      absl::Status status = co_await TakeLine((*line)->size(), *read);
      if (!status.ok() || !window_->failure().ok()) co_return status;
    }
  }

  asio::awaitable<absl::Status> TakeLine(std::size_t bytes,
                                         const DumpLine& line) {
    has_end_ = std::holds_alternative<DumpEnd>(line);
    const auto* const record = std::get_if<DumpRecord>(&line);
    if (record == nullptr) co_return absl::OkStatus();
    while (window_->failure().ok() && window_->IsFull(bytes)) {
      const absl::Status waited = co_await window_->Wait();
      if (!waited.ok()) co_return waited;
    }
    if (!window_->failure().ok()) co_return absl::OkStatus();
    const std::int64_t now = absl::ToUnixMillis(parts_.clock->WallNow());
    if (record->expires_at_ms != 0 &&
        record->expires_at_ms <= static_cast<std::uint64_t>(now)) {
      ++report_.expired;
      co_return absl::OkStatus();
    }
    window_->Send(client_, line_, bytes, *record);
    TellNextLine();
    parts_.progress(report_);
    co_return absl::OkStatus();
  }

  void TellNextLine() {
    report_.next_line = window_->FirstOf(line_);
    if (report_.failed_line != 0) {
      report_.next_line = std::min(report_.next_line, report_.failed_line);
    }
  }

  // A dump that was cut is no whole one.
  absl::Status CheckEnd() {
    if (!has_header_ || has_end_) return absl::OkStatus();
    window_->Fail(line_,
                  absl::InvalidArgumentError(
                      "the dump ends here, without its last line: it is not "
                      "whole"),
                  true);
    return window_->failure();
  }

  Client client_;
  const LoadParts& parts_;
  LoadReport& report_;
  InputLines input_;
  const std::shared_ptr<Window> window_;
  std::uint64_t line_ = 1;
  bool has_header_ = false;
  bool has_end_ = false;
};

asio::awaitable<absl::Status> RunLoad(Client client,
                                      std::shared_ptr<const LoadParts> parts,
                                      std::shared_ptr<LoadReport> report) {
  const auto executor = co_await asio::this_coro::executor;
  const auto load =
      std::make_unique<Load>(executor, std::move(client), *parts, report);
  co_return co_await load->Run();
}

}  // namespace

Executor::Task LoadTask(LoadParts parts, std::shared_ptr<LoadReport> report) {
  return [parts = std::make_shared<const LoadParts>(std::move(parts)),
          report = std::move(report)](Client client) {
    return RunLoad(std::move(client), parts, report);
  };
}

}  // namespace coffer::cli
