#include "common/core/result.h"

#include <stdexcept>

namespace rondo {

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error(std::string("unchecked Result at ") + where.to_string() + ": "
                         + error.message);
}

}  // namespace rondo
