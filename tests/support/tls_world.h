#pragma once

#include <string>

#include <gtest/gtest.h>

#include "common/crypto/certificate.h"
#include "common/transport/tls_channel.h"
#include "tests/support/temporary_folder.h"

namespace rondo::testing {

/// A folder with an authority, a server certificate for 127.0.0.1 and whatever clients a test asks
/// for.
class TlsWorld {
 public:
  explicit TlsWorld(const std::vector<std::string>& server_hosts = {"127.0.0.1", "localhost"}) {
    authority_ = MakeAuthority("test authority", Validity::Days(10)).value();
    Save("ca", authority_);
    Save("server", IssueServer(authority_, server_hosts, Validity::Days(10)).value());
  }

  const CertifiedKey& authority() const { return authority_; }

  void Save(const std::string& name, const CertifiedKey& pair) {
    ASSERT_TRUE(SaveCertifiedKey(pair, File(name + ".crt"), File(name + ".key")));
  }

  TlsFiles Files(const std::string& name) {
    return {.authority = File("ca.crt"),
            .certificate = File(name + ".crt"),
            .key = File(name + ".key")};
  }

  TlsContext Server() {
    return TlsContext::Create(Files("server"), TlsContext::Role::kServer).value();
  }

  /// A client with a good certificate.
  TlsContext Client(const ClientId& id) {
    Save(id, IssueClient(authority_, id, Validity::Days(10)).value());
    return TlsContext::Create(Files(id), TlsContext::Role::kClient).value();
  }

  std::filesystem::path File(const std::string& name) { return folder_.path() / name; }

 private:
  TemporaryFolder folder_;
  CertifiedKey authority_;
};

}  // namespace rondo::testing
