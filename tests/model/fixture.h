#pragma once

#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/core/rng.h"
#include "common/federated/parameters.h"
#include "common/model/trainer.h"

namespace rondo::testing {

/// Numbers written by scripts/reference/model_golden.py.
class Golden {
 public:
  explicit Golden(const std::string& name) {
    std::ifstream in(std::string(RONDO_GOLDEN) + "/" + name + ".txt");
    std::string key;
    std::size_t count = 0;
    while (in >> key >> count) {
      std::vector<double>& values = values_[key];
      values.resize(count);
      for (double& value : values) {
        in >> value;
      }
    }
  }

  bool Has(const std::string& key) const { return values_.contains(key); }

  const std::vector<double>& At(const std::string& key) const { return values_.at(key); }

  std::vector<float> Floats(const std::string& key) const {
    return {At(key).begin(), At(key).end()};
  }

  std::vector<ItemRow> Rows(const std::string& key) const {
    std::vector<ItemRow> rows;
    for (const double value : At(key)) {
      rows.push_back(static_cast<ItemRow>(std::lround(value)));
    }
    return rows;
  }

 private:
  std::map<std::string, std::vector<double>> values_;
};

/// Sequences that ClientData points into.
struct OwnedClient {
  ClientId id;
  std::vector<std::vector<ItemRow>> sequences;
  std::vector<std::vector<ItemRow>> negatives;

  ClientData View() const {
    ClientData data{.id = id};
    data.sequences.assign(sequences.begin(), sequences.end());
    data.negatives.assign(negatives.begin(), negatives.end());
    return data;
  }
};

inline std::vector<ClientData> Views(const std::vector<OwnedClient>& clients) {
  std::vector<ClientData> views;
  for (const OwnedClient& client : clients) {
    views.push_back(client.View());
  }
  return views;
}

/// "client0", "client1", ..., of 1 to `most_sequences` sequences over rows 1 .. `rows`.
inline std::vector<OwnedClient> RandomClients(std::size_t count,
                                              std::size_t most_sequences,
                                              std::uint64_t rows) {
  Rng rng({.seed = 21});
  std::vector<OwnedClient> clients;
  for (std::size_t c = 0; c < count; ++c) {
    OwnedClient& client = clients.emplace_back(OwnedClient{.id = "client" + std::to_string(c)});
    for (std::size_t s = 0; s <= c % most_sequences; ++s) {
      std::vector<ItemRow>& sequence = client.sequences.emplace_back(2 + rng.Below(14));
      for (ItemRow& row : sequence) {
        row = static_cast<ItemRow>(1 + rng.Below(rows));
      }
    }
  }
  return clients;
}

}  // namespace rondo::testing
