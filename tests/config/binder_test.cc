#include "common/config/binder.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Server {
  std::string address = "127.0.0.1";
  int port = 8443;
  std::uint64_t cap = 1 << 20;
  double timeout = 2.5;
  bool verbose = false;
  std::filesystem::path key;
  std::vector<std::string> peers = {"a"};
  std::vector<int> sizes = {1, 2};
  std::map<std::string, std::string> labels;
};

void BindServer(Server& server, Binder& binder) {
  binder.Flag("verbose", server.verbose);
  binder.Section("listen");
  binder.Text("address", server.address);
  binder.Integer("port", server.port, {.min = 0, .max = 65535});
  binder.Integer("cap", server.cap);
  binder.Number("timeout", server.timeout, {.min = 0, .max = 60, .above_min = true});
  binder.Path("key", server.key);
  binder.Section("listen.more");
  binder.TextList("peers", server.peers);
  binder.IntegerList("sizes", server.sizes, {.min = 1});
  binder.TextMap("labels", server.labels);
}

class BinderTest : public ::testing::Test {
 protected:
  Result<Server> Load(const std::string& toml, std::vector<std::string> sets = {}) {
    EXPECT_TRUE(WriteTextFile(folder_ / "server.toml", toml).has_value());
    return LoadConfig(
        ConfigSources{
            .file = folder_ / "server.toml", .environment = environment_, .sets = std::move(sets)},
        BindServer);
  }

  std::string FailureOf(const std::string& toml, std::vector<std::string> sets = {}) {
    const Result<Server> server = Load(toml, std::move(sets));
    if (server) {
      return "no failure";
    }
    EXPECT_EQ(ExitCode(server.error().code), 4);
    return server.error().message;
  }

  testing::TemporaryFolder folder_;
  std::map<std::string, std::string> environment_;
};

TEST_F(BinderTest, ReadsEveryKindOfField) {
  const Result<Server> server = Load(R"(
verbose = true
[listen]
address = "::1"
port = 1
cap = 9223372036854775807
timeout = 3
key = "keys/server.pem"
[listen.more]
peers = ["x", "y"]
sizes = []
labels = { "two words" = "b", c = "d" }
)");

  ASSERT_TRUE(server.has_value()) << server.error().message;
  EXPECT_TRUE(server->verbose);
  EXPECT_EQ(server->address, "::1");
  EXPECT_EQ(server->port, 1);
  EXPECT_EQ(server->cap, 9223372036854775807ULL);
  EXPECT_EQ(server->timeout, 3.0);
  EXPECT_EQ(server->key, folder_ / "keys/server.pem");
  EXPECT_EQ(server->peers, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(server->sizes.empty());
  EXPECT_EQ(server->labels, (std::map<std::string, std::string>{{"two words", "b"}, {"c", "d"}}));
}

TEST_F(BinderTest, StrongerLayersWinKeyByKey) {
  environment_ = {{"RONDO_LISTEN__PORT", "2"},
                  {"RONDO_LISTEN__ADDRESS", "host"},
                  {"RONDO__VERBOSE", "true"},
                  {"RONDO_LISTEN__MORE__LABELS__COLOUR", "red"},
                  {"RONDO_DATA", "no key"}};
  const std::string file = "[listen]\nport = 1\ncap = 5\naddress = \"file\"\n";

  const Result<Server> server = Load(file, {"listen.port=3", "listen.port = 4"});
  const Result<Server> trimmed = Load(file, {"listen.port=3"});

  EXPECT_FALSE(server.has_value());  // Keys are not trimmed: "listen.port " is unknown.
  ASSERT_TRUE(trimmed.has_value()) << trimmed.error().message;
  EXPECT_EQ(trimmed->port, 3);
  EXPECT_EQ(trimmed->address, "host");
  EXPECT_EQ(trimmed->cap, 5u);
  EXPECT_TRUE(trimmed->verbose);
  EXPECT_EQ(trimmed->labels.at("colour"), "red");
}

TEST_F(BinderTest, BareWordsOfSetsAreTextsWhateverTheyLookLike) {
  const Result<Server> server = Load("",
                                     {"listen.address=2024-01-01",
                                      "listen.key=007",
                                      "listen.more.peers=[\"a=b\"]",
                                      "listen.more.labels.x=true"});

  ASSERT_TRUE(server.has_value()) << server.error().message;
  EXPECT_EQ(server->address, "2024-01-01");
  EXPECT_EQ(server->key, std::filesystem::current_path() / "007");
  EXPECT_EQ(server->peers, std::vector<std::string>{"a=b"});
  EXPECT_EQ(server->labels.at("x"), "true");
}

TEST_F(BinderTest, FaultsNameTheirPlace) {
  const std::string file = (folder_ / "server.toml").string();

  EXPECT_EQ(FailureOf("[listen]\n  prot = 1"),
            file + ":2:3: unknown key 'listen.prot'; did you mean 'port'?");
  EXPECT_EQ(FailureOf("[lisen]\n"), file + ":1:2: unknown section 'lisen'; did you mean 'listen'?");
  EXPECT_EQ(FailureOf("port = 1"), file + ":1:1: unknown key 'port'; did you mean 'listen.port'?");
  EXPECT_EQ(FailureOf("[listen]\nport = \"x\""),
            file + ":2:8: listen.port: expected an integer, got a text");
  EXPECT_EQ(FailureOf("[listen]\nport = 65536"),
            file + ":2:8: listen.port: expected at least 0 and at most 65535, got 65536");
  EXPECT_EQ(FailureOf("[listen]\ntimeout = 0"),
            file + ":2:11: listen.timeout: expected above 0 and at most 60, got 0");
  EXPECT_EQ(FailureOf("[listen]\ntimeout = nan"),
            file + ":2:11: listen.timeout: expected a finite number, got nan");
  EXPECT_EQ(FailureOf("[listen]\ncap = -1"),
            file + ":2:7: listen.cap: the integer -1 is out of range");
  EXPECT_EQ(FailureOf("verbose = 1"),
            file + ":1:11: verbose: expected true or false, got an integer");
  EXPECT_THAT(FailureOf("listen = 5"), HasSubstr("'listen' is a section, got an integer"));
  EXPECT_THAT(FailureOf("[listen.port]\na = 1"), HasSubstr("expected an integer, got a table"));
  EXPECT_THAT(FailureOf("[listen.more]\nsizes = [1, \"a\"]"),
              HasSubstr("expected an integer, got a text"));
  EXPECT_THAT(FailureOf("[listen.more]\nlabels = 3"), HasSubstr("expected a table"));
  EXPECT_THAT(FailureOf("[listen.more]\nlabels = { a = 3 }"),
              HasSubstr("listen.more.labels.a: expected a text in quotes, got an integer"));
  EXPECT_THAT(FailureOf("a = = 1"), StartsWith(file + ":1:5: broken TOML"));
  EXPECT_THAT(FailureOf("port = 1\nport = 2"), StartsWith(file + ":2:"));
  EXPECT_THAT(FailureOf("", {"listen.port=abc"}),
              HasSubstr("--set listen.port=abc: listen.port: expected an integer"));
  EXPECT_THAT(FailureOf("", {"listen.port"}), EndsWith("expected section.key=value"));
  EXPECT_THAT(FailureOf("", {"listen..port=1"}), HasSubstr("'listen..port' is no key"));
  EXPECT_THAT(FailureOf("", {"listen.port=1\nlisten.cap=2"}), HasSubstr("expected an integer"));
}

TEST_F(BinderTest, AMissingFileIsNotFound) {
  const Result<Server> server =
      LoadConfig(ConfigSources{.file = folder_ / "none.toml"}, BindServer);

  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code, ErrorCode::kNotFound);
}

TEST_F(BinderTest, WhatIsWrittenReadsBack) {
  Server server;
  server.address = "quote \" back \\ line\n tab\t bell\x07 \xc3\xa4";
  server.timeout = 0.1 + 0.2;
  server.key = folder_ / "a b.pem";
  server.peers = {};
  server.sizes = {3, 1, 2};
  server.labels = {{"a.b", "c"}, {"", "empty"}, {"plain", "'"}};

  const std::string toml = ConfigToToml(server, BindServer);
  const Result<Server> back = Load(toml);

  ASSERT_TRUE(back.has_value()) << back.error().message << "\n" << toml;
  EXPECT_EQ(back->address, server.address);
  EXPECT_EQ(back->timeout, server.timeout);
  EXPECT_EQ(back->labels, server.labels);
  EXPECT_EQ(ConfigToToml(*back, BindServer), toml);
}

TEST_F(BinderTest, TheEnvironmentHoldsOnlyKeys) {
  ::setenv("RONDO_TESTING__KEY", "1", 1);
  ::setenv("RONDO_TESTING", "2", 1);

  const auto environment = ConfigEnvironment();

  EXPECT_EQ(environment.at("RONDO_TESTING__KEY"), "1");
  EXPECT_EQ(environment.count("RONDO_TESTING"), 0u);
  EXPECT_EQ(environment.count("PATH"), 0u);
  ::unsetenv("RONDO_TESTING__KEY");
  ::unsetenv("RONDO_TESTING");
}

}  // namespace
}  // namespace rondo
