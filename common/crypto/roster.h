#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/x25519.h"

/// Who belongs to a federation, as a person with the governance key vouches for it. The coordinator
/// hands the roster out but cannot make one: it does not hold the key, so it cannot invent members.
///
///   roster    := "rondo-roster 1" LF "federation " hex64 LF "version " decimal LF
///                ["aggregation " hex64 LF] member*
///   member    := "member " id " " hex64 LF                      ascending by id, ids and keys
///   unique signature := "governance " hex64 LF "signature " hex128 LF  Ed25519 over all bytes
///   before it
///
/// One form of the text for one roster, so its bytes are what is hashed, signed, stored and sent.
namespace rondo {

/// Members a roster may have; its text is then below 640 KiB.
inline constexpr std::size_t kMostMembers = 4096;

struct RosterEntry {
  ClientId id;
  Ed25519Public key{};  ///< long-term; signs this member's protocol messages

  bool operator==(const RosterEntry&) const = default;
};

struct Roster {
  std::string federation;     ///< SHA-256 of the authority's certificate, 64 hexadecimal digits
  std::uint64_t version = 0;  ///< from 1; a member accepts none below the newest it has seen
  /// What members seal their contributions to; none: they do not.
  std::optional<X25519Public> aggregation;
  std::vector<RosterEntry> entries;  ///< ascending by id

  bool operator==(const Roster&) const = default;

  /// Errors  kInvalidArgument, naming the rule of the grammar above that is broken.
  Status Check() const;

  /// The canonical text; Check passed.
  std::string Text() const;
  Bytes CanonicalBytes() const;

  /// SHA-256 of the canonical bytes, 64 hexadecimal digits.
  std::string sha256() const;

  /// Null for an id that is no member.
  const RosterEntry* Find(const ClientId& id) const;
};

/// A roster with the signature of the governance key beside it.
struct SignedRoster {
  Roster roster;
  Ed25519Public governance{};
  Signature signature{};

  std::string Text() const;

  /// Errors  kUnauthenticated if `governance` is not the key that is trusted, or the signature does
  /// not hold.
  Status Verify(const Ed25519Public& trusted) const;
};

/// Errors  as Roster::Check.
Result<SignedRoster> SignRoster(Roster roster, const SigningKey& governance);

/// A roster without signature. Errors  kCorrupt for any text but the canonical one.
Result<Roster> ParseRoster(std::string_view text);

/// Whether the signature holds is left to Verify. Errors  as ParseRoster.
Result<SignedRoster> ParseSignedRoster(std::string_view text);

/// Errors  kNotFound, kIo; kCorrupt, naming the file.
Result<Roster> LoadRoster(const std::filesystem::path& path);
Result<SignedRoster> LoadSignedRoster(const std::filesystem::path& path);

Status SaveRoster(const Roster& roster, const std::filesystem::path& path);
Status SaveRoster(const SignedRoster& roster, const std::filesystem::path& path);

}  // namespace rondo
