#include "coffer/sdk/status/status_codes.h"

#include <boost/asio/error.hpp>
#include <boost/system/error_category.hpp>
#include <cerrno>
#include <string>

#include "coffer/sdk/frame/frame_error.h"
#include "coffer/sdk/status/outcome.h"
#include "gtest/gtest.h"

namespace coffer {
namespace {

using absl::StatusCode;
using boost::system::error_code;

TEST(WireStatus, EveryListedStatusSurvivesTheWayThereAndBack) {
  for (uint32_t status :
       {200, 400, 401, 403, 404, 408, 409, 413, 499, 500, 503}) {
    EXPECT_EQ(ToWireStatus(FromWireStatus(status)), status);
  }
}

TEST(WireStatus, CodesThatShareAStatusBecomeItsFirst) {
  EXPECT_EQ(ToWireStatus(StatusCode::kOutOfRange), 400u);
  EXPECT_EQ(ToWireStatus(StatusCode::kUnimplemented), 400u);
  EXPECT_EQ(ToWireStatus(StatusCode::kAborted), 409u);
  EXPECT_EQ(ToWireStatus(StatusCode::kAlreadyExists), 409u);
  for (StatusCode code :
       {StatusCode::kUnknown, StatusCode::kDataLoss, StatusCode::kInternal}) {
    EXPECT_EQ(ToWireStatus(code), 500u);
  }
  EXPECT_EQ(FromWireStatus(400), StatusCode::kInvalidArgument);
  EXPECT_EQ(FromWireStatus(409), StatusCode::kFailedPrecondition);
  EXPECT_EQ(FromWireStatus(500), StatusCode::kInternal);
}

TEST(WireStatus, OverloadedReadsAsUnavailable) {
  EXPECT_EQ(FromWireStatus(429), StatusCode::kUnavailable);
}

TEST(WireStatus, UnlistedNumbersGoByTheirHundred) {
  EXPECT_EQ(FromWireStatus(204), StatusCode::kOk);
  EXPECT_EQ(FromWireStatus(418), StatusCode::kInvalidArgument);
  EXPECT_EQ(FromWireStatus(599), StatusCode::kInternal);
  for (uint32_t status : {0u, 100u, 301u, 600u, 20000u, 0xffffffffu}) {
    EXPECT_EQ(FromWireStatus(status), StatusCode::kUnknown) << status;
  }
}

TEST(ResponseToStatus, SuccessIsOk) {
  v1::CommandResponse response;
  response.set_status(200);
  EXPECT_TRUE(ToStatus(response).ok());
}

TEST(ResponseToStatus, ErrorKeepsItsMessage) {
  v1::CommandResponse response;
  response.set_status(404);
  response.set_message("Not found: table t, key k");
  EXPECT_EQ(ToStatus(response),
            absl::NotFoundError("Not found: table t, key k"));
}

TEST(ResponseToStatus, ErrorKeepsItsOutcome) {
  v1::CommandResponse response;
  response.set_status(503);
  response.set_message("busy");
  for (const auto outcome : {v1::NOT_EXECUTED, v1::UNKNOWN}) {
    response.set_outcome(outcome);
    EXPECT_EQ(OutcomeOf(ToStatus(response)), outcome);
    EXPECT_EQ(ToStatus(response).message(), "busy");
  }
  response.set_status(200);
  EXPECT_TRUE(ToStatus(response).ok());
}

TEST(ResponseToStatus, ErrorWithoutMessageNamesItsStatus) {
  v1::CommandResponse response;
  response.set_status(503);
  EXPECT_EQ(ToStatus(response),
            absl::UnavailableError("answer with status 503 and no message"));
  response.Clear();  // a frame of nothing
  EXPECT_EQ(ToStatus(response).code(), StatusCode::kUnknown);
}

TEST(ErrorCodeToStatus, NoErrorIsOk) {
  EXPECT_TRUE(ToStatus(error_code(), "reading").ok());
}

TEST(ErrorCodeToStatus, MessageSaysWhatWasDoneAndWhatHappened) {
  const error_code error = boost::asio::error::connection_reset;
  EXPECT_EQ(ToStatus(error, "reading an answer").message(),
            "reading an answer: " + error.message());
}

TEST(ErrorCodeToStatus, EachKindOfErrorHasItsCode) {
  namespace asio_error = boost::asio::error;
  const struct {
    error_code error;
    StatusCode code;
  } kCases[] = {
      {asio_error::eof, StatusCode::kUnavailable},
      {asio_error::connection_reset, StatusCode::kUnavailable},
      {asio_error::connection_refused, StatusCode::kUnavailable},
      {asio_error::connection_aborted, StatusCode::kUnavailable},
      {asio_error::broken_pipe, StatusCode::kUnavailable},
      {asio_error::not_connected, StatusCode::kUnavailable},
      {asio_error::network_unreachable, StatusCode::kUnavailable},
      {asio_error::host_unreachable, StatusCode::kUnavailable},
      {asio_error::bad_descriptor, StatusCode::kUnavailable},
      {asio_error::host_not_found, StatusCode::kUnavailable},
      {asio_error::host_not_found_try_again, StatusCode::kUnavailable},
      {asio_error::service_not_found, StatusCode::kUnavailable},
      {asio_error::operation_aborted, StatusCode::kCancelled},
      {asio_error::timed_out, StatusCode::kDeadlineExceeded},
      {asio_error::no_descriptors, StatusCode::kResourceExhausted},
      {asio_error::no_memory, StatusCode::kResourceExhausted},
      {asio_error::access_denied, StatusCode::kPermissionDenied},
      {asio_error::address_in_use, StatusCode::kFailedPrecondition},
      {asio_error::invalid_argument, StatusCode::kInvalidArgument},
      {error_code(ECONNRESET, boost::system::generic_category()),
       StatusCode::kUnavailable},
      {error_code(ENOENT, boost::system::system_category()),
       StatusCode::kUnavailable},
      {error_code(EXDEV, boost::system::system_category()),
       StatusCode::kUnknown},
      {make_error_code(FrameErrc::kOversizeFrame),
       StatusCode::kResourceExhausted},
      {make_error_code(FrameErrc::kOversizeMessage),
       StatusCode::kResourceExhausted},
      {make_error_code(FrameErrc::kTruncatedHeader), StatusCode::kDataLoss},
      {make_error_code(FrameErrc::kTruncatedPayload), StatusCode::kDataLoss},
      {make_error_code(FrameErrc::kTruncatedBlock),
       StatusCode::kInvalidArgument},
      {make_error_code(FrameErrc::kCorruptBlock), StatusCode::kInvalidArgument},
      {make_error_code(FrameErrc::kUnparsable), StatusCode::kInvalidArgument},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(ToStatus(test.error, "x").code(), test.code) << test.error;
  }
}

// A category with the name of asio's, which is not linked here.
class NamedCategory final : public boost::system::error_category {
 public:
  explicit NamedCategory(const char* name) : name_(name) {}
  const char* name() const noexcept override { return name_; }
  std::string message(int) const override { return "stream truncated"; }

 private:
  const char* const name_;
};

TEST(ErrorCodeToStatus, TlsErrorsAreKnownByTheirCategory) {
  static const NamedCategory kSsl("asio.ssl");
  static const NamedCategory kStream("asio.ssl.stream");
  static const NamedCategory kOther("elsewhere");
  EXPECT_EQ(ToStatus(error_code(1, kSsl), "x").code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(ToStatus(error_code(1, kStream), "reading"),
            absl::UnavailableError("reading: stream truncated"));
  EXPECT_EQ(ToStatus(error_code(1, kOther), "x").code(), StatusCode::kUnknown);
}

}  // namespace
}  // namespace coffer
