#include "common/config/binder.h"

#include <algorithm>
#include <cmath>

#include "common/config/field_text.h"
#include "common/config/number_text.h"
#include "common/core/suggest.h"

namespace rondo {
namespace {

/// What is wrong with a number, or nothing.
std::optional<std::string> RangeFault(double value, const Range& range) {
  const bool low = range.above_min ? !(value > range.min) : !(value >= range.min);
  if (!low && value <= range.max) {
    return std::nullopt;
  }
  const bool has_min = !std::isinf(range.min);
  const bool has_max = !std::isinf(range.max);
  std::string expected;
  if (has_min) {
    expected = (range.above_min ? "above " : "at least ") + FormatNumber(range.min);
  }
  if (has_max) {
    expected += (expected.empty() ? "at most " : " and at most ") + FormatNumber(range.max);
  }
  return "expected " + (expected.empty() ? "a number" : expected) + ", got " + FormatNumber(value);
}

std::optional<std::string> ChoiceFault(const std::string& value,
                                       const std::vector<std::string>& choices) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) {
    return std::nullopt;
  }
  return "expected " + JoinChoices(choices) + ", got '" + value + "'" + DidYouMean(value, choices);
}

/// Checks the value behind a field against its range and choices.
struct FaultFinder {
  const Field& field;

  std::optional<std::string> operator()(const bool*) const { return std::nullopt; }

  std::optional<std::string> operator()(const std::filesystem::path*) const { return std::nullopt; }

  std::optional<std::string> operator()(const int* value) const {
    return RangeFault(*value, field.range);
  }

  std::optional<std::string> operator()(const std::uint64_t* value) const {
    // TOML integers are signed; larger ones could not be written and read back.
    constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
    if (*value > kLargest) {
      return "expected at most " + std::to_string(kLargest) + ", got " + std::to_string(*value);
    }
    return RangeFault(static_cast<double>(*value), field.range);
  }

  std::optional<std::string> operator()(const double* value) const {
    if (!std::isfinite(*value)) {
      return "expected a finite number, got " + FormatNumber(*value);
    }
    return RangeFault(*value, field.range);
  }

  std::optional<std::string> operator()(const std::string* value) const {
    return ChoiceFault(*value, field.choices);
  }

  std::optional<std::string> operator()(const std::vector<std::string>* values) const {
    for (const std::string& value : *values) {
      if (auto fault = ChoiceFault(value, field.choices)) {
        return fault;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> operator()(const std::vector<int>* values) const {
    for (const int value : *values) {
      if (auto fault = RangeFault(value, field.range)) {
        return fault;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> operator()(const std::map<std::string, std::string>* values) const {
    for (const auto& [key, value] : *values) {
      if (auto fault = ChoiceFault(value, field.choices)) {
        return "'" + key + "': " + *fault;
      }
    }
    return std::nullopt;
  }
};

class Checker : public Binder {
 public:
  Status outcome() && { return std::move(outcome_); }

 protected:
  void Bind(const Field& field) override {
    const std::optional<std::string> fault = FieldFault(field);
    if (fault && outcome_) {
      outcome_ = Fail(ErrorCode::kInvalidArgument, field.key() + ": " + *fault);
    }
  }

 private:
  Status outcome_;
};

class Writer : public Binder {
 public:
  std::string text() && { return std::move(text_); }

 protected:
  void Bind(const Field& field) override {
    if (field.section != section_) {
      section_ = field.section;
      text_ += "\n[" + section_ + "]\n";
    }
    text_ += TomlKey(field.name) + " = " + TomlValue(field.target) + "\n";
  }

 private:
  std::string section_;
  std::string text_;
};

}  // namespace

std::optional<std::string> FieldFault(const Field& field) {
  return std::visit(FaultFinder{field}, field.target);
}

Status CheckFields(const BindFunction& bind) {
  Checker checker;
  bind(checker);
  return std::move(checker).outcome();
}

std::string WriteFields(const BindFunction& bind) {
  Writer writer;
  bind(writer);
  return std::move(writer).text();
}

void Binder::Flag(std::string name, bool& value) {
  Bind({.section = section_, .name = std::move(name), .target = &value});
}

void Binder::Integer(std::string name, int& value, Range range) {
  Bind({.section = section_, .name = std::move(name), .target = &value, .range = range});
}

void Binder::Integer(std::string name, std::uint64_t& value, Range range) {
  Bind({.section = section_, .name = std::move(name), .target = &value, .range = range});
}

void Binder::Number(std::string name, double& value, Range range) {
  Bind({.section = section_, .name = std::move(name), .target = &value, .range = range});
}

void Binder::Text(std::string name, std::string& value) {
  Bind({.section = section_, .name = std::move(name), .target = &value});
}

void Binder::Choice(std::string name, std::string& value, std::vector<std::string> choices) {
  Bind({.section = section_,
        .name = std::move(name),
        .target = &value,
        .choices = std::move(choices)});
}

void Binder::Path(std::string name, std::filesystem::path& value) {
  Bind({.section = section_, .name = std::move(name), .target = &value});
}

void Binder::TextList(std::string name,
                      std::vector<std::string>& value,
                      std::vector<std::string> choices) {
  Bind({.section = section_,
        .name = std::move(name),
        .target = &value,
        .choices = std::move(choices)});
}

void Binder::IntegerList(std::string name, std::vector<int>& value, Range range) {
  Bind({.section = section_, .name = std::move(name), .target = &value, .range = range});
}

void Binder::TextMap(std::string name,
                     std::map<std::string, std::string>& value,
                     std::vector<std::string> choices) {
  Bind({.section = section_,
        .name = std::move(name),
        .target = &value,
        .choices = std::move(choices)});
}

}  // namespace rondo
