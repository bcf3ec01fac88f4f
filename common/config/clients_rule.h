#pragma once

#include <cstddef>
#include <string>

#include "common/core/result.h"

namespace rondo {

/// `data.clients`, taken apart: how users are spread over clients.
struct ClientsRule {
  enum class Kind { kUser, kColumn, kDirichlet, kLogNormal };

  Kind kind = Kind::kUser;
  std::string column = {};                 ///< column:NAME
  std::size_t prefix = std::string::npos;  ///< column:NAME:LETTERS, bytes of the value
  double parameter = 0.0;                  ///< ALPHA of dirichlet, SIGMA of lognormal
};

/// rule := "user" | "column:" NAME [ ":" LETTERS ] | "dirichlet:" ALPHA | "lognormal:" SIGMA
/// with 0 < ALPHA <= 1e6, 0 < SIGMA <= 20 and LETTERS in 1 .. 1000.
/// Errors  kInvalidArgument, without the key.
Result<ClientsRule> ParseClientsRule(const std::string& text);

}  // namespace rondo
