#pragma once

#include <filesystem>
#include <string>

#include "client/papers.h"

namespace rondo::testing {

/// Papers of a client of a federation that has no roster yet.
inline client::Papers NewPapers(const ClientId& id, const std::filesystem::path& state) {
  client::Papers::Own own{
      .id = id, .key = SigningKey::Generate(), .federation = std::string(64, 'f')};
  own.governance = SigningKey::Generate().public_key();
  return client::Papers::Open(std::move(own), state).value();
}

}  // namespace rondo::testing
