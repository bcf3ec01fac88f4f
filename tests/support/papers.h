#pragma once

#include <filesystem>
#include <string>

#include "client/papers.h"

namespace rondo::testing {

inline const std::string kSomeFederation(64, 'f');

/// Papers of a client whose federation `governance` speaks for; it has no roster yet.
inline client::Papers PapersUnder(const SigningKey& governance,
                                  const ClientId& id,
                                  const std::filesystem::path& state) {
  client::Papers::Own own{.id = id, .key = SigningKey::Generate(), .federation = kSomeFederation};
  own.governance = governance.public_key();
  return client::Papers::Open(std::move(own), state).value();
}

/// The same under a key that nobody has.
inline client::Papers NewPapers(const ClientId& id, const std::filesystem::path& state) {
  return PapersUnder(SigningKey::Generate(), id, state);
}

}  // namespace rondo::testing
