#include "coffer/testing/sim/sim_connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include "absl/strings/str_cat.h"
#include "coffer/testing/fault/mix.h"
#include "coffer/testing/sim/sim_network_state.h"

namespace coffer_testing::internal {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Tells runs apart whose bytes differ and whose sizes do not.
uint64_t Checksum(const std::string& bytes) {
  uint64_t sum = 0;
  for (const char byte : bytes) sum = Mix(sum, static_cast<uint8_t>(byte));
  return sum;
}

}  // namespace

SimConnection::SimConnection(std::shared_ptr<SimNetworkState> network,
                             int number, std::string client_host,
                             std::string server_host, MemoryPipe client,
                             MemoryPipe server)
    : network_(std::move(network)),
      number_(number),
      client_(std::move(client)),
      server_(std::move(server)) {
  ways_[0].link = {client_host, server_host};
  ways_[0].from = &client_;
  ways_[0].to = &server_;
  ways_[1].link = {server_host, client_host};
  ways_[1].from = &server_;
  ways_[1].to = &client_;
  for (Way& way : ways_) {
    way.timer = network_->clock().MakeTimer(network_->executor());
    way.reset_timer = network_->clock().MakeTimer(network_->executor());
  }
}

void SimConnection::Start() {
  for (Way& way : ways_) Read(way);
}

void SimConnection::LookAgain() {
  for (Way& way : ways_) {
    Deliver(way);
    DeliverReset(way);
  }
}

void SimConnection::Reset() {
  if (over_) return;
  network_->Log(absl::StrCat("#", number_, " is reset"));
  End();
}

void SimConnection::End() {
  over_ = true;
  for (Way& way : ways_) {
    way.timer->Cancel();
    way.reset_timer->Cancel();
  }
  client_.reset();
  server_.reset();
}

void SimConnection::Close() {
  over_ = true;
  for (Way& way : ways_) {
    way.timer->Cancel();
    way.reset_timer->Cancel();
  }
  client_.close();
  server_.close();
}

void SimConnection::Die(const std::string& host, bool silent) {
  if (over_) return;
  died_[0] |= hosts().first == host;
  died_[1] |= hosts().second == host;
  // Nobody is left to be told.
  if (died_[0] && died_[1]) return End();
  Way& out = ways_[hosts().first == host ? 0 : 1];
  Way& in = ways_[hosts().first == host ? 1 : 0];
  // What it had sent is still on its way, but for a cut of the power.
  if (silent) {
    out.pieces.clear();
    out.bytes = 0;
  }
  out.ended = true;
  in.done = in.ended = true;
  in.pieces.clear();
  SendReset(out);
  if (!over_) out.from->reset();
}

void SimConnection::Read(Way& way) {
  if (over_ || way.reading || way.ended) return;
  if (way.bytes >= network_->options().window_bytes) return;
  way.reading = true;
  const size_t most = std::min({network_->PieceBytes(), way.buffer.size(),
                                network_->options().window_bytes - way.bytes});
  way.from->async_read_some(
      asio::buffer(way.buffer.data(), most),
      [self = shared_from_this(), &way](error_code error, size_t bytes) {
        self->OnRead(way, error, bytes);
      });
}

void SimConnection::OnRead(Way& way, error_code error, size_t bytes) {
  way.reading = false;
  if (over_ || way.ended) return;
  if (!error) {
    Send(way, Piece::What::kBytes, std::string(way.buffer.data(), bytes));
    return Read(way);
  }
  way.ended = true;
  if (error != asio::error::eof) return SendReset(way);
  Send(way, Piece::What::kEnd, "");
}

SimConnection::TimePoint SimConnection::Arrival(Way& way) {
  const TimePoint now = network_->clock().Now();
  way.last_arrival = std::max(way.last_arrival, now + network_->Latency());
  return way.last_arrival;
}

void SimConnection::Send(Way& way, Piece::What what, std::string bytes) {
  way.bytes += bytes.size();
  way.pieces.push_back({what, std::move(bytes), Arrival(way)});
  Deliver(way);
}

void SimConnection::SendReset(Way& way) {
  if (way.reset_arrives) return;
  way.reset_arrives = Arrival(way);
  DeliverReset(way);
}

void SimConnection::DeliverReset(Way& way) {
  if (over_ || !way.reset_arrives || !network_->passes(way.link)) return;
  if (*way.reset_arrives > network_->clock().Now()) {
    way.reset_timer->WaitUntil(*way.reset_arrives, [self = shared_from_this(),
                                                    &way](error_code error) {
      if (!error) self->DeliverReset(way);
    });
    return;
  }
  Log(way, "reset");
  End();
}

void SimConnection::Deliver(Way& way) {
  if (over_ || way.writing || way.done || way.pieces.empty()) return;
  if (!network_->passes(way.link)) return;
  const TimePoint arrives = way.pieces.front().arrives;
  if (arrives > network_->clock().Now()) {
    way.timer->WaitUntil(arrives,
                         [self = shared_from_this(), &way](error_code error) {
                           if (!error) self->Deliver(way);
                         });
    return;
  }
  Piece piece = std::move(way.pieces.front());
  way.pieces.pop_front();
  Arrive(way, std::move(piece));
}

void SimConnection::Arrive(Way& way, Piece piece) {
  switch (piece.what) {
    case Piece::What::kEnd:
      Log(way, "end");
      way.to->shutdown_send();
      return Finish(way);
    case Piece::What::kBytes:
      break;
  }
  Log(way, absl::StrCat(piece.bytes.size(), " bytes, checksum ",
                        absl::Hex(Checksum(piece.bytes))));
  way.writing = true;
  const auto bytes = std::make_shared<std::string>(std::move(piece.bytes));
  asio::async_write(
      *way.to, asio::buffer(*bytes),
      [self = shared_from_this(), &way, bytes](error_code error, size_t) {
        way.writing = false;
        way.bytes -= std::min(way.bytes, bytes->size());
        if (self->over_) return;
        if (error) {
          // Nobody reads there any more. As TCP does, the sender is told.
          way.ended = way.done = true;
          Way& back = self->ways_[&way == &self->ways_[0] ? 1 : 0];
          back.ended = true;
          return self->SendReset(back);
        }
        self->Read(way);
        self->Deliver(way);
      });
}

void SimConnection::Finish(Way& way) {
  way.done = true;
  if (!ways_[0].done || !ways_[1].done) return;
  // One of the ends is still to hear that the other is gone.
  if (ways_[0].reset_arrives || ways_[1].reset_arrives) return;
  over_ = true;
  client_.close();
  server_.close();
}

void SimConnection::Log(const Way& way, const std::string& event) {
  network_->Log(absl::StrCat("#", number_, " ", way.link.first, " > ",
                             way.link.second, ": ", event));
}

}  // namespace coffer_testing::internal
