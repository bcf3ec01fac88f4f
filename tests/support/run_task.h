#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "common/transport/channel.h"

namespace rondo::testing {

namespace detail {

/// Asio wants values that can be made from nothing, which a Result cannot.
template <typename T>
Task<void> StoreIn(Task<T> task, std::shared_ptr<std::optional<T>> out) {
  T value = co_await std::move(task);
  out->emplace(std::move(value));
}

}  // namespace detail

/// Starts a task beside the others; its value appears in the result. An exception in it fails the
/// test.
template <typename T>
std::shared_ptr<std::optional<T>> Start(boost::asio::io_context& io, Task<T> task) {
  auto out = std::make_shared<std::optional<T>>();
  boost::asio::co_spawn(io, detail::StoreIn(std::move(task), out), [](std::exception_ptr error) {
    if (error) {
      std::rethrow_exception(error);
    }
  });
  return out;
}

/// Runs `io` until the value is there. Other work on `io` goes on meanwhile.
template <typename T>
T Wait(boost::asio::io_context& io, const std::shared_ptr<std::optional<T>>& out) {
  io.restart();
  while (!out->has_value() && io.run_one() > 0) {}
  EXPECT_TRUE(out->has_value()) << "the task waits for something that never comes";
  return std::move(*out).value();
}

template <typename T>
T RunTask(boost::asio::io_context& io, Task<T> task) {
  return Wait(io, Start(io, std::move(task)));
}

inline TimePoint In(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

inline TimePoint Soon() {
  return In(std::chrono::seconds(20));
}

}  // namespace rondo::testing
