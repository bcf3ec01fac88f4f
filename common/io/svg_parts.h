#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/io/svg.h"

/// What charts are drawn from.
namespace rondo::svg {

inline constexpr double kWidth = 520;
inline constexpr double kHeight = 260;

struct Frame {
  double left = 62;
  double right = kWidth - 16;
  double top = 34;
  double bottom = kHeight - 46;
};

/// Pixels with one decimal.
std::string Number(double value);

inline constexpr double kLetter = 6.6;  ///< mean width of a letter at 12 pixels

/// A label of at most so many letters; what is cut off becomes an ellipsis.
std::string Shorten(const std::string& label, std::size_t longest = 34);

/// Of the series with this number; colours repeat.
std::string Color(std::size_t series);

std::string Text(double x,
                 double y,
                 const std::string& anchor,
                 const std::string& text,
                 const std::string& more = "");
std::string Line(double x1, double y1, double x2, double y2, const std::string& style);

inline const std::string kGrid = "stroke:var(--grid,#d9dee3);stroke-width:1";
inline const std::string kAxis = "stroke:var(--axis,#8a949e);stroke-width:1";

/// The element with its title and description; the caller closes it.
std::string Open(const std::string& id,
                 const std::string& title,
                 const std::string& description,
                 double height);

/// A whole picture that says that there is nothing to show.
std::string Empty(const std::string& id, const std::string& title, const std::string& description);

/// Maps data to pixels.
struct Scale {
  double data_low = 0;
  double data_high = 1;
  double pixel_low = 0;
  double pixel_high = 1;

  double operator()(double value) const {
    return pixel_low + (value - data_low) / (data_high - data_low) * (pixel_high - pixel_low);
  }
};

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }

  /// Never empty, so that it can be divided by.
  void Widen() {
    if (!(high > low)) {
      const double half = std::max(std::abs(low) * 0.1, 1e-9);
      high += half;
      low -= half;
    }
  }
};

/// Lines, numbers and name of the vertical axis.
std::string YAxis(const Frame& frame,
                  const Scale& scale,
                  const std::vector<double>& ticks,
                  const std::string& label);

}  // namespace rondo::svg
