#include "common/transport/loopback_channel.h"

#include <deque>

#include "common/transport/asio_types.h"
#include "common/wire/frame.h"

namespace rondo {
namespace {

/// One direction.
struct Pipe {
  explicit Pipe(const boost::asio::any_io_executor& executor) : arrival(executor) {}

  std::deque<Bytes> frames;
  bool closed = false;
  Timer arrival;  // Cancelled to wake the reader.
};

class LoopbackEnd final : public Channel {
 public:
  LoopbackEnd(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, ClientId peer)
      : in_(std::move(in)),
        out_(std::move(out)),
        peer_(std::move(peer)) {}

  // NOLINTNEXTLINE(bugprone-exception-escape): cancelling a timer throws only on a broken service.
  ~LoopbackEnd() override { LoopbackEnd::Close(); }

  Task<Status> Send(Bytes frame, TimePoint) override {
    if (closed_ || out_->closed) {
      co_return Fail(ErrorCode::kUnavailable, "the peer closed the connection");
    }
    bytes_sent_ += frame.size();
    out_->frames.push_back(std::move(frame));
    out_->arrival.cancel();
    co_return Ok();
  }

  Task<Result<Bytes>> Receive(TimePoint deadline) override {
    const std::shared_ptr<Pipe> in = in_;
    while (in->frames.empty()) {
      if (closed_ || in->closed) {
        co_return Fail(ErrorCode::kUnavailable, "the peer closed the connection");
      }
      if (std::chrono::steady_clock::now() >= deadline) {
        Close();
        co_return Fail(ErrorCode::kTimeout, "waiting for a frame took too long");
      }
      in->arrival.expires_at(deadline);
      co_await in->arrival.async_wait(kAwait);
    }
    Bytes frame = std::move(in->frames.front());
    in->frames.pop_front();
    bytes_received_ += frame.size();
    RONDO_CO_TRY_STATUS(CheckEnvelope(frame));
    co_return frame;
  }

  void SetRules(const ReceiveRules& rules) override { rules_ = rules; }

  void Close() override {
    closed_ = true;
    in_->closed = out_->closed = true;
    in_->arrival.cancel();
    out_->arrival.cancel();
  }

  const ClientId& peer() const override { return peer_; }

  std::uint64_t bytes_sent() const override { return bytes_sent_; }

  std::uint64_t bytes_received() const override { return bytes_received_; }

  const ChannelSecurity& security() const override { return security_; }

 private:
  /// A socket would wait for the rest of a short frame until the connection breaks.
  Status CheckEnvelope(ByteView frame) {
    auto view = wire::ParseFrame(frame);
    if (view && view->payload.size() > rules_.largest) {
      Close();
      return Fail(ErrorCode::kCorrupt, "a frame announces more than may come now");
    }
    if (view) {
      return Ok();
    }
    Close();
    std::array<std::uint8_t, wire::kFrameHeaderSize> header{};
    if (frame.size() >= header.size()) {
      std::copy_n(frame.begin(), header.size(), header.begin());
      auto parsed = wire::ParseFrameHeader(header);
      if (!parsed || frame.size() > header.size() + parsed.value().length) {
        return Fail(std::move(view).error());
      }
    }
    return Fail(ErrorCode::kUnavailable,
                "in the middle of a frame: the peer closed the connection");
  }

  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  ClientId peer_;
  ChannelSecurity security_;
  ReceiveRules rules_;
  bool closed_ = false;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
};

}  // namespace

LoopbackPair MakeLoopback(boost::asio::any_io_executor executor, ClientId client) {
  auto up = std::make_shared<Pipe>(executor);
  auto down = std::make_shared<Pipe>(executor);
  return LoopbackPair{.server_end = std::make_shared<LoopbackEnd>(up, down, std::move(client)),
                      .client_end = std::make_shared<LoopbackEnd>(down, up, "coordinator")};
}

}  // namespace rondo
