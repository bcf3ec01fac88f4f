#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rondo {

/// The processes that work on one simulation together, this one among them. All of them make the
/// same calls in the same order.
class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int index() const = 0;  ///< of this process; the first, 0, leads
  virtual int count() const = 0;

  bool IsFirst() const { return index() == 0; }

  /// Whether the i-th piece of work is this process's.
  bool Has(std::size_t i) const {
    return i % static_cast<std::size_t>(count()) == static_cast<std::size_t>(index());
  }

  /// Adds up the numbers of all processes, place by place, at the first; elsewhere they are lost.
  virtual void Sum(std::span<std::int64_t> numbers) = 0;
  virtual void Sum(std::span<double> numbers) = 0;
  virtual void Sum(std::span<float> numbers) = 0;

  /// The numbers of the first process, at all of them.
  virtual void Share(std::span<float> numbers) = 0;
};

}  // namespace rondo
