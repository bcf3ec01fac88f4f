#include "common/config/client_toml.h"

#include <fmt/format.h>

#include "common/config/field_text.h"

namespace rondo {

std::string ClientToml(const ClientTomlParts& parts) {
  DataConfig data = parts.data;
  std::string host = parts.host;
  std::string trust = parts.trust;
  const std::string port =
      parts.port == 0 ? "# port = 7443   # the coordinator takes a free one; see its state/address"
                      : fmt::format("port = {}", parts.port);
  const std::string events =
      data.events.empty() ? "" : "events = " + TomlValue(&data.events) + "\n";
  return fmt::format(
      R"(# Made by `{}`. Relative paths start at this file's folder.
[coordinator]
host = {}
{}

[identity]
certificate = "client.crt"
key = "client.key"
ca = "ca.crt"
roster_key = "roster.key"
governance = "{}"   # signs the list of members; compare it with the others

[data]
path = "data"   # your behaviour log: a RecBole, MovieLens or CSV file, or its folder
catalogue = "catalogue.tsv"
order = {}
ties = {}
split = {}
validation_ratio = {}
test_ratio = {}
validation_from = {}
test_from = {}
min_user_events = {}
min_rating = {}
seed = {}
{}
[limits]
trust = {}   # the weakest trust mode that this client takes part in
)",
      parts.made_by,
      TomlValue(&host),
      port,
      parts.governance,
      TomlValue(&data.order),
      TomlValue(&data.ties),
      TomlValue(&data.split),
      TomlValue(&data.validation_ratio),
      TomlValue(&data.test_ratio),
      TomlValue(&data.validation_from),
      TomlValue(&data.test_from),
      data.min_user_events,
      TomlValue(&data.min_rating),
      data.seed,
      events,
      TomlValue(&trust));
}

}  // namespace rondo
