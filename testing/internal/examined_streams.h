// ExaminedStreams: what the traits of StreamConformance say, without their type
// and that of the streams.

#ifndef COFFER_TESTING_INTERNAL_EXAMINED_STREAMS_H_
#define COFFER_TESTING_INTERNAL_EXAMINED_STREAMS_H_

#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "coffer/testing/internal/erased_stream.h"
#include "coffer/testing/internal/erased_stream_of.h"
#include "coffer/testing/transfer_mode.h"

namespace coffer_testing::internal {

struct ExaminedStreams {
  using Ends =
      std::pair<std::unique_ptr<ErasedStream>, std::unique_ptr<ErasedStream>>;

  Ends (*connect)(boost::asio::io_context& io);
  bool (*is_end)(boost::system::error_code error);
  bool is_layer;
  size_t bulk_bytes;
  bool has_reset;
  bool reports_overlap;
  bool in_memory;
  std::optional<TransferMode> transfer;  // empty: is not said
};

template <class Traits>
ExaminedStreams Examined() {
  using End = ErasedStreamOf<Traits>;
  ExaminedStreams streams = {
      .connect = [](boost::asio::io_context& io) -> ExaminedStreams::Ends {
        auto ends = Traits::Connect(io);
        return {std::make_unique<End>(std::move(ends.first)),
                std::make_unique<End>(std::move(ends.second))};
      },
      .is_end = [](boost::system::error_code error) -> bool {
        return Traits::IsEnd(error);
      },
      .is_layer = Traits::kIsLayer,
      .bulk_bytes = Traits::kBulkBytes,
      .has_reset = End::kHasReset,
      .reports_overlap = requires {Traits::kReportsOverlap;
}
, .in_memory = requires { Traits::kInMemory; }
, .transfer = std::nullopt,
};  // namespace coffer_testing::internal
if constexpr (requires { Traits::kTransfer; }) {
  streams.transfer = Traits::kTransfer;
}
return streams;
}

}  // namespace coffer_testing::internal

#endif  // COFFER_TESTING_INTERNAL_EXAMINED_STREAMS_H_
