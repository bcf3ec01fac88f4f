#include "common/crypto/roster.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/certificate.h"
#include "common/crypto/sha256.h"

namespace rondo {
namespace {

constexpr std::string_view kHeader = "rondo-roster 1";
constexpr std::uint64_t kFileCap = std::uint64_t{1} << 20;

Failure Malformed(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, "the roster is malformed: " + what);
}

/// Takes the text apart line by line.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  /// What follows `word` and a space in the next line; nothing if that begins otherwise.
  std::optional<std::string_view> After(std::string_view word) {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos || !rest_.starts_with(word) || end <= word.size()
        || rest_[word.size()] != ' ') {
      return std::nullopt;
    }
    const std::string_view value = rest_.substr(word.size() + 1, end - word.size() - 1);
    rest_.remove_prefix(end + 1);
    return value;
  }

 private:
  std::string_view rest_;
};

template <std::size_t kSize>
std::optional<std::array<std::uint8_t, kSize>> ReadHex(std::string_view text) {
  const std::optional<Bytes> bytes = FromHex(text);
  if (!bytes || bytes->size() != kSize) {
    return std::nullopt;
  }
  std::array<std::uint8_t, kSize> out{};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

Result<RosterEntry> ReadMember(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    return Malformed("a member has no key");
  }
  const auto key = ReadHex<32>(text.substr(space + 1));
  if (!key) {
    return Malformed("the key of a member is no 64 hexadecimal digits");
  }
  return RosterEntry{.id = ClientId(text.substr(0, space)), .key = *key};
}

Result<Roster> ReadRoster(Lines& lines) {
  const auto header = lines.After("rondo-roster");
  if (header != "1") {
    return Malformed("it does not begin with '" + std::string(kHeader) + "'");
  }
  Roster roster;
  const auto federation = lines.After("federation");
  const auto version = federation ? lines.After("version") : std::nullopt;
  if (!version) {
    return Malformed("federation or version is missing");
  }
  roster.federation = *federation;
  const char* end = version->data() + version->size();
  const auto read = std::from_chars(version->data(), end, roster.version);
  if (read.ec != std::errc() || read.ptr != end) {
    return Malformed("the version is no number");
  }
  if (const auto aggregation = lines.After("aggregation")) {
    roster.aggregation = ReadHex<32>(*aggregation);
    if (!roster.aggregation) {
      return Malformed("the aggregation key is no 64 hexadecimal digits");
    }
  }
  while (const auto member = lines.After("member")) {
    RONDO_TRY(RosterEntry entry, ReadMember(*member));
    roster.entries.push_back(std::move(entry));
    if (roster.entries.size() > kMostMembers) {
      break;  // Check says so.
    }
  }
  if (const Status checked = roster.Check(); !checked) {
    return Malformed(checked.error().message);
  }
  return roster;
}

template <typename T>
Result<T> NameFile(Result<T> read, const std::filesystem::path& path) {
  if (!read) {
    return Fail(read.error().code, path.string() + ": " + read.error().message);
  }
  return read;
}

}  // namespace

Status Roster::Check() const {
  const auto fail = [](const std::string& what) {
    return Fail(ErrorCode::kInvalidArgument, what);
  };
  if (!IsSha256Hex(federation)) {
    return fail("the federation is no SHA-256 in hexadecimal");
  }
  if (version == 0) {
    return fail("versions of a roster begin at 1");
  }
  if (entries.size() > kMostMembers) {
    return fail("a roster holds at most " + std::to_string(kMostMembers) + " members");
  }
  std::set<Ed25519Public> keys;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    RONDO_TRY_STATUS(CheckClientId(entries[i].id));
    if (i > 0 && entries[i - 1].id >= entries[i].id) {
      return fail("members are not in ascending order, each once, at '" + entries[i].id + "'");
    }
    if (!keys.insert(entries[i].key).second) {
      return fail("'" + entries[i].id + "' has the key of another member");
    }
  }
  return Ok();
}

std::string Roster::Text() const {
  std::string text = std::string(kHeader) + "\nfederation " + federation + "\nversion "
                     + std::to_string(version) + "\n";
  if (aggregation) {
    text += "aggregation " + ToHex(*aggregation) + "\n";
  }
  for (const RosterEntry& entry : entries) {
    text += "member " + entry.id + " " + ToHex(entry.key) + "\n";
  }
  return text;
}

Bytes Roster::CanonicalBytes() const {
  const std::string text = Text();
  return {text.begin(), text.end()};
}

std::string Roster::sha256() const {
  return Sha256Hex(AsBytes(Text()));
}

const RosterEntry* Roster::Find(const ClientId& id) const {
  const auto found = std::ranges::lower_bound(entries, id, {}, &RosterEntry::id);
  return found != entries.end() && found->id == id ? &*found : nullptr;
}

std::string SignedRoster::Text() const {
  return roster.Text() + "governance " + ToHex(governance) + "\nsignature " + ToHex(signature)
         + "\n";
}

Status SignedRoster::Verify(const Ed25519Public& trusted) const {
  if (governance != trusted) {
    return Fail(ErrorCode::kUnauthenticated,
                "the roster is signed by the key " + ToHex(governance)
                    + ", but this federation is governed by " + ToHex(trusted));
  }
  if (!VerifySignature(trusted, AsBytes(roster.Text()), signature)) {
    return Fail(ErrorCode::kUnauthenticated, "the signature of the roster does not hold");
  }
  return Ok();
}

Result<SignedRoster> SignRoster(Roster roster, const SigningKey& governance) {
  RONDO_TRY_STATUS(roster.Check());
  SignedRoster made{.roster = std::move(roster), .governance = governance.public_key()};
  made.signature = governance.Sign(AsBytes(made.roster.Text()));
  return made;
}

Result<Roster> ParseRoster(std::string_view text) {
  Lines lines(text);
  RONDO_TRY(Roster roster, ReadRoster(lines));
  if (!lines.done() || roster.Text() != text) {
    return Malformed("something follows the members, or is spelled in another way than here");
  }
  return roster;
}

Result<SignedRoster> ParseSignedRoster(std::string_view text) {
  Lines lines(text);
  SignedRoster made;
  RONDO_TRY(made.roster, ReadRoster(lines));
  const auto governance = lines.After("governance");
  const auto key = governance ? ReadHex<32>(*governance) : std::nullopt;
  const auto signed_by = key ? lines.After("signature") : std::nullopt;
  const auto signature = signed_by ? ReadHex<64>(*signed_by) : std::nullopt;
  if (!signature) {
    return Malformed("its members are not followed by governance key and signature");
  }
  made.governance = *key;
  made.signature = *signature;
  if (!lines.done() || made.Text() != text) {
    return Malformed("something follows the signature, or is spelled in another way than here");
  }
  return made;
}

Result<Roster> LoadRoster(const std::filesystem::path& path) {
  RONDO_TRY(const std::string text, ReadTextFile(path, kFileCap));
  return NameFile(ParseRoster(text), path);
}

Result<SignedRoster> LoadSignedRoster(const std::filesystem::path& path) {
  RONDO_TRY(const std::string text, ReadTextFile(path, kFileCap));
  return NameFile(ParseSignedRoster(text), path);
}

Status SaveRoster(const Roster& roster, const std::filesystem::path& path) {
  return WriteTextFile(path, roster.Text());
}

Status SaveRoster(const SignedRoster& roster, const std::filesystem::path& path) {
  return WriteTextFile(path, roster.Text());
}

}  // namespace rondo
