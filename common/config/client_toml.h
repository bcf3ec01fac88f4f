#pragma once

#include <string>

#include "common/config/scenario.h"

namespace rondo {

/// The first client.toml of a member, beside client.crt, client.key, ca.crt, roster.key and
/// catalogue.tsv: the rules that every client's data must follow, exactly as the coordinator has
/// them; where the data lie is the client's own affair.
struct ClientTomlParts {
  std::string made_by;  ///< the command, for the first line
  std::string host;
  int port = 0;            ///< 0: another one at each start of the coordinator
  std::string governance;  ///< public key that signs rosters, 64 hexadecimal digits
  DataConfig data;
  std::string trust = "channel";  ///< limits.trust
};

std::string ClientToml(const ClientTomlParts& parts);

}  // namespace rondo
