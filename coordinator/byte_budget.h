#pragma once

#include <cstdint>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "common/transport/channel.h"

namespace rondo::coordinator {

/// Memory that several uploads share: who wants more than is left waits, and does not read from its
/// peer meanwhile. Confined to the executor's thread.
class ByteBudget {
 private:
  struct State;

 public:
  ByteBudget(const boost::asio::any_io_executor& executor, std::uint64_t total);

  /// Part of the budget, given back when it ends.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept;
    // NOLINTNEXTLINE(bugprone-exception-escape): as the destructor.
    Share& operator=(Share&& other) noexcept;
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // NOLINTNEXTLINE(bugprone-exception-escape): cancelling a timer throws only on a broken service.
    ~Share() { Return(); }

   private:
    friend class ByteBudget;

    Share(std::shared_ptr<State> of, std::uint64_t bytes) : of_(std::move(of)), bytes_(bytes) {}

    void Return();

    std::shared_ptr<State> of_;
    std::uint64_t bytes_ = 0;
  };

  /// Waits until `bytes` are left; who asked first gets them first. Who asks for more than the
  /// whole budget has it alone.
  Task<Share> Take(std::uint64_t bytes);

  std::uint64_t used() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace rondo::coordinator
