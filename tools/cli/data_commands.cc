#include "coffer/tools/cli/data_commands.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "coffer/proto/requests.h"
#include "coffer/sdk/conditions.h"
#include "coffer/tools/cli/escapes.h"
#include "coffer/tools/cli/time_text.h"
#include "coffer/tools/cli/value_text.h"

namespace coffer::cli {
namespace {

template <class... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// At most one of `flags` may be given.
absl::Status CheckOneOf(const CommandArguments& a,
                        absl::Span<const absl::string_view> flags) {
  absl::string_view given;
  for (const absl::string_view flag : flags) {
    if (!a.Has(flag)) continue;
    if (!given.empty()) {
      return Wrong("--", given, " and --", flag, " do not go together");
    }
    given = flag;
  }
  return absl::OkStatus();
}

template <class Number>
absl::Status ParseNumber(const CommandArguments& a, absl::string_view flag,
                         Number least, Number* number) {
  const std::string* const text = a.Find(flag);
  if (text == nullptr) return absl::OkStatus();
  if (absl::SimpleAtoi(*text, number) && *number >= least) {
    return absl::OkStatus();
  }
  return Wrong("--", flag, ": ", Quoted(*text), " is no number from ", least);
}

absl::StatusOr<v1::Condition> ParseCondition(const CommandArguments& a) {
  absl::Status status =
      CheckOneOf(a, {"if_absent", "if_present", "if_version"});
  if (!status.ok()) return status;
  if (a.Has("if_absent")) return IfAbsent();
  if (a.Has("if_present")) return IfPresent();
  if (!a.Has("if_version")) return v1::Condition();
  std::uint64_t version = 0;
  status = ParseNumber<std::uint64_t>(a, "if_version", 0, &version);
  if (!status.ok()) return status;
  return IfVersion(version);
}

absl::StatusOr<v1::Expiry> ParsePutExpiry(const CommandArguments& a) {
  const absl::Status status =
      CheckOneOf(a, {"expire_after", "expire_at", "keep_expiry"});
  if (!status.ok()) return status;
  if (a.Has("keep_expiry")) return KeepsExpiry();
  for (const auto& [flag, parse] :
       {std::pair("expire_after", &ParseExpireAfter),
        std::pair("expire_at", &ParseExpireAt)}) {
    const std::string* const text = a.Find(flag);
    if (text == nullptr) continue;
    absl::StatusOr<v1::Expiry> expiry = parse(*text);
    if (!expiry.ok()) return Wrong("--", flag, ": ", expiry.status().message());
    return expiry;
  }
  return v1::Expiry();
}

}  // namespace

RequestOr ParseTables(const CommandArguments& a) {
  return MakeListTables(a.words.empty() ? "" : a.words[0]);
}

RequestOr ParseCount(const CommandArguments& a) {
  return MakeCountKeys(a.words[0]);
}

RequestOr ParseDrop(const CommandArguments& a) {
  return MakeDropTable(a.words[0]);
}

RequestOr ParseRename(const CommandArguments& a) {
  return MakeRenameTable(a.words[0], a.words[1]);
}

RequestOr ParseScan(const CommandArguments& a) {
  v1::CommandRequest request = MakeScan(a.words[0]);
  v1::Scan& scan = *request.mutable_scan();
  if (const std::string* text = a.Find("prefix")) scan.set_prefix(*text);
  if (const std::string* text = a.Find("begin")) scan.set_begin(*text);
  if (const std::string* text = a.Find("end")) scan.set_end(*text);
  scan.set_keys_only(a.Has("keys_only"));
  std::uint32_t limit = 0;
  const absl::Status status = ParseNumber<std::uint32_t>(a, "limit", 1, &limit);
  if (!status.ok()) return status;
  scan.set_limit(limit);
  return request;
}

RequestOr ParseWatch(const CommandArguments& a) {
  v1::CommandRequest request;
  v1::OpenWatch& watch = *request.mutable_open_watch();
  watch.set_table(a.words[0]);
  const std::string* const prefix = a.Find("prefix");
  if (a.words.size() > 1) {
    if (prefix != nullptr) return Wrong("KEY and --prefix do not go together");
    watch.set_key(a.words[1]);
  } else if (prefix != nullptr) {
    watch.set_prefix(*prefix);
  } else {
    watch.set_all(true);
  }
  return request;
}

RequestOr ParseRead(const CommandArguments& a) {
  return MakeRead(a.words[0], absl::MakeSpan(a.words).subspan(1));
}

RequestOr ParsePut(const CommandArguments& a) {
  absl::StatusOr<v1::Value> value = ParseValue(a.words[2]);
  if (!value.ok()) return value.status();
  const absl::StatusOr<v1::Condition> condition = ParseCondition(a);
  if (!condition.ok()) return condition.status();
  const absl::StatusOr<v1::Expiry> expiry = ParsePutExpiry(a);
  if (!expiry.ok()) return expiry.status();
  v1::CommandRequest request =
      MakePut(a.words[0], a.words[1], *std::move(value), *condition, *expiry);
  request.mutable_put()->set_want_previous(a.Has("previous"));
  return request;
}

RequestOr ParseRemove(const CommandArguments& a) {
  const absl::StatusOr<v1::Condition> condition = ParseCondition(a);
  if (!condition.ok()) return condition.status();
  v1::CommandRequest request = MakeRemove(a.words[0], a.words[1], *condition);
  request.mutable_remove()->set_want_previous(a.Has("previous"));
  return request;
}

// A number as it is, or as ParseValue takes it.
RequestOr ParseIncrement(const CommandArguments& a) {
  if (a.words.size() == 2) return MakeIncrement(a.words[0], a.words[1], 1);
  const std::string& text = a.words[2];
  absl::StatusOr<v1::Value> amount = ParseValue(text);
  for (const char* type : {"int:", "float:"}) {
    if (amount.ok() && amount->value_case() == v1::Value::kString) {
      const auto number = ParseValue(absl::StrCat(type, text));
      if (number.ok()) amount = number;
    }
  }
  if (!amount.ok()) return amount.status();
  switch (amount->value_case()) {
    case v1::Value::kInteger:
      return MakeIncrement(a.words[0], a.words[1], amount->integer());
    case v1::Value::kFloat:
      return MakeIncrement(a.words[0], a.words[1], amount->float_());
    default:
      return Wrong(Quoted(text), " is no number");
  }
}

RequestOr ParseAppend(const CommandArguments& a) {
  absl::StatusOr<v1::Value> value = ParseValue(a.words[2]);
  if (!value.ok()) return value.status();
  if (value->value_case() != v1::Value::kString &&
      value->value_case() != v1::Value::kBinary) {
    return Wrong(Quoted(a.words[2]), " is neither text nor bytes");
  }
  return MakeAppend(a.words[0], a.words[1], *std::move(value));
}

RequestOr ParseExpire(const CommandArguments& a) {
  const absl::StatusOr<v1::Condition> condition = ParseCondition(a);
  if (!condition.ok()) return condition.status();
  const absl::StatusOr<v1::Expiry> expiry = ParseExpiry(a.words[2]);
  if (!expiry.ok()) return expiry.status();
  return MakeExpire(a.words[0], a.words[1], *expiry, *condition);
}

RequestOr ParsePersist(const CommandArguments& a) {
  return MakeExpire(a.words[0], a.words[1], NeverExpires());
}

RequestOr ParseTimeToLive(const CommandArguments& a) {
  v1::CommandRequest request = MakeRead(a.words[0], {a.words[1]});
  request.mutable_read()->set_without_values(true);
  return request;
}

}  // namespace coffer::cli
