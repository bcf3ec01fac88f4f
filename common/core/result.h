#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <boost/system/result.hpp>

#include "common/core/error.h"

namespace rondo {

/// A failed outcome on its way to any Result<T>.
struct [[nodiscard]] Failure {
  Error error;
};

/// `return Fail(ErrorCode::kNotFound, "...");`
inline Failure Fail(ErrorCode code, std::string message) {
  return Failure{Error{code, std::move(message)}};
}

inline Failure Fail(Error error) {
  return Failure{std::move(error)};
}

[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

/// Either a value or an Error. Test with `has_value()` or `if (result)`; never read the value
/// unchecked.
template <typename T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
  using Base = boost::system::result<T, Error>;

  template <typename U>
  static constexpr bool kIsValue =
      std::is_convertible_v<
          U,
          T> && !std::is_same_v<std::decay_t<U>, Failure> && !std::is_same_v<std::decay_t<U>, Result>;

 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Failure failure) : Base(boost::system::in_place_error, std::move(failure.error)) {}

  template <typename U = T, typename = std::enable_if_t<kIsValue<U>>>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(U&& value) : Base(boost::system::in_place_value, std::forward<U>(value)) {}
};

template <>
class [[nodiscard]] Result<void> : public boost::system::result<void, Error> {
  using Base = boost::system::result<void, Error>;

 public:
  Result() : Base(boost::system::in_place_value) {}

  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Failure failure) : Base(boost::system::in_place_error, std::move(failure.error)) {}
};

using Status = Result<void>;

inline Status Ok() {
  return Status();
}

}  // namespace rondo

#define RONDO_CONCAT_IMPL(a, b) a##b
#define RONDO_CONCAT(a, b) RONDO_CONCAT_IMPL(a, b)
#define RONDO_TRY_IMPL(result, lhs, expr, leave)    \
  auto result = (expr);                             \
  if (!result.has_value()) {                        \
    leave ::rondo::Fail(std::move(result).error()); \
  }                                                 \
  lhs = std::move(result).value()

/// `RONDO_TRY(const Bytes bytes, ReadFile(path, cap));` declares `bytes` or returns the error.
#define RONDO_TRY(lhs, expr) \
  RONDO_TRY_IMPL(RONDO_CONCAT(rondo_try_, __COUNTER__), lhs, expr, return )
/// The same inside a coroutine.
#define RONDO_CO_TRY(lhs, expr) \
  RONDO_TRY_IMPL(RONDO_CONCAT(rondo_try_, __COUNTER__), lhs, expr, co_return )

/// Returns the error of a Status-valued expression.
#define RONDO_TRY_STATUS(expr)                                   \
  do {                                                           \
    if (auto rondo_status = (expr); !rondo_status.has_value()) { \
      return ::rondo::Fail(std::move(rondo_status).error());     \
    }                                                            \
  } while (false)

#define RONDO_CO_TRY_STATUS(expr)                                \
  do {                                                           \
    if (auto rondo_status = (expr); !rondo_status.has_value()) { \
      co_return ::rondo::Fail(std::move(rondo_status).error());  \
    }                                                            \
  } while (false)
