#pragma once

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/programs/program.h"
#include "tests/support/temporary_folder.h"

namespace rondo::testing {

constexpr int kItems = 40;

/// A RecBole log of `users` users with ten events each; the users of different `first` differ.
inline std::string SmallLog(int users, int first = 0) {
  std::string text = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (int user = first; user < first + users; ++user) {
    for (int event = 0; event < 10; ++event) {
      const int item = (user * 7 + event * (1 + user % 3)) % kItems + 1;
      text += fmt::format("u{}\ti{}\t{}\n", user, item, 1000 * user + event);
    }
  }
  return text;
}

inline std::string SmallCatalogue() {
  std::string text = "item_id\ttitle\tkinds:token_seq\n";
  for (int item = 1; item <= kItems; ++item) {
    text += fmt::format("i{}\tItem {}\tk{} m{}\n", item, item, item % 3, item % 5);
  }
  return text;
}

/// Milliseconds a round. The log is `data/log.inter` beside the file.
inline std::string SmallScenario(int rounds, const std::string& strategy = "cohort = 8") {
  return fmt::format(R"(name = "small"
[data]
path = "data"
[model]
width = 16
blocks = 1
history = 8
[client]
steps = 1
batch_size = 64
learning_rate = 0.5
[strategy]
name = "fedadam"
server_learning_rate = 1e-2
rounds = {}
{}
[evaluation]
every = 4
protocols = ["full"]
[engine]
threads = 1
[checkpoint]
every = 4
)",
                     rounds,
                     strategy);
}

/// Lines for the [strategy] of a SmallScenario whose clients keep control variates and residuals.
inline constexpr const char* kStateful = R"(
objective = "control_variates"
[compression]
stages = ["top_k"]
top_k = 0.2)";

inline void Write(const std::filesystem::path& path, const std::string& text) {
  ASSERT_TRUE(MakeFolder(path.parent_path()));
  ASSERT_TRUE(WriteTextFile(path, text));
}

inline boost::json::object ReadJson(const std::filesystem::path& path) {
  const auto text = ReadTextFile(path);
  EXPECT_TRUE(text) << path;
  return text ? boost::json::parse(*text).as_object() : boost::json::object();
}

inline std::string ModelSha256(const boost::json::object& summary) {
  return std::string(summary.at("model").at("sha256").as_string());
}

inline std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

inline std::string LastLine(std::string text) {
  text.erase(text.find_last_not_of('\n') + 1);
  return text.substr(text.rfind('\n') + 1);
}

/// The newest round whose checkpoint lies in `folder`; 0 if none does.
inline int NewestCheckpoint(const std::filesystem::path& folder) {
  constexpr std::string_view kPrefix = "round-";
  int newest = 0;
  std::error_code code;  // The folder may not be there yet.
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && entry.path().extension() == ".safetensors") {
      int round = 0;
      std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), round);
      newest = std::max(newest, round);
    }
  }
  return newest;
}

/// A folder for the files of one test.
class ProgramsTest : public ::testing::Test {
 protected:
  std::filesystem::path Path(const std::string& name) const { return folder_.path() / name; }

  Program::Options Command(std::vector<std::string> arguments,
                           const std::string& name = "program") const {
    return {.arguments = std::move(arguments), .folder = folder_.path(), .name = name};
  }

  TemporaryFolder folder_;
};

}  // namespace rondo::testing
