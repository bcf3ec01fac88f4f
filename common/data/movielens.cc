#include <array>
#include <string>
#include <utility>
#include <vector>

#include "common/config/number_text.h"
#include "common/data/reader.h"
#include "common/data/text.h"

// MovieLens as GroupLens ships it
//
//   u.data       user "\t" item "\t" rating "\t" seconds, no header; beside it u.item and u.user
//                ("|", Latin-1)
//   ratings.dat  the same four fields cut by "::"; beside it movies.dat and users.dat
//   ratings.csv  header userId,movieId,rating,timestamp; beside it movies.csv: movieId,title,genres

namespace rondo {
namespace {

namespace fs = std::filesystem;

constexpr std::array kLogNames = {"u.data", "ratings.csv", "ratings.dat"};
constexpr std::size_t kFirstGenre = 5;
constexpr std::array kGenres = {"unknown",
                                "Action",
                                "Adventure",
                                "Animation",
                                "Children's",
                                "Comedy",
                                "Crime",
                                "Documentary",
                                "Drama",
                                "Fantasy",
                                "Film-Noir",
                                "Horror",
                                "Musical",
                                "Mystery",
                                "Romance",
                                "Sci-Fi",
                                "Thriller",
                                "War",
                                "Western"};

/// "Toy Story (1995)" gives {"Toy Story", "1995"}; without a year the second is empty.
std::pair<std::string, std::string> TitleAndYear(const std::string& text) {
  const std::size_t end = text.find_last_not_of(' ');
  if (end == std::string::npos || end < 6 || text[end] != ')' || text[end - 5] != '(') {
    return {text, ""};
  }
  const std::string year = text.substr(end - 4, 4);
  if (!ParseNumber(year)) {
    return {text, ""};
  }
  const std::string title = text.substr(0, end - 5);
  return {title.substr(0, title.find_last_not_of(' ') + 1), year};
}

std::string Spaced(std::string genres) {
  for (char& c : genres) {
    c = c == '|' ? ' ' : c;
  }
  return genres == "(no genres listed)" ? "" : genres;
}

void AddItem(SideTable& table,
             const std::string& id,
             const std::string& title,
             std::string genres) {
  auto [name, year] = TitleAndYear(title);
  table.rows.insert_or_assign(id, std::vector{std::move(name), std::move(year), std::move(genres)});
}

Result<SideTable> ReadPlainItems(const fs::path& path) {
  SideTable table{.columns = {"title", "release_year", "genres"}, .rows = {}};
  if (!fs::exists(path)) {
    return SideTable{};
  }
  RONDO_TRY(DelimitedFile file, DelimitedFile::Open(path, {.delimiter = "|", .latin1 = true}));
  while (file.Next()) {
    const auto& fields = file.fields();
    std::string genres;
    for (std::size_t g = 0; g < kGenres.size() && kFirstGenre + g < fields.size(); ++g) {
      if (fields[kFirstGenre + g] == "1") {
        genres += (genres.empty() ? "" : " ") + std::string(kGenres[g]);
      }
    }
    if (fields.size() > 1) {
      AddItem(table, fields[0], fields[1], std::move(genres));
    }
  }
  return table;
}

Result<SideTable> ReadUsers(const fs::path& path,
                            const char* delimiter,
                            const std::vector<std::string>& columns) {
  if (!fs::exists(path)) {
    return SideTable{};
  }
  RONDO_TRY(DelimitedFile file,
            DelimitedFile::Open(path, {.delimiter = delimiter, .latin1 = true}));
  return ReadSideRows(file, columns);
}

Result<SideTable> ReadMovies(const fs::path& path, Dialect dialect, bool has_header) {
  SideTable table{.columns = {"title", "release_year", "genres"}, .rows = {}};
  if (!fs::exists(path)) {
    return SideTable{};
  }
  RONDO_TRY(DelimitedFile file, DelimitedFile::Open(path, std::move(dialect)));
  if (has_header) {
    file.Next();
  }
  while (file.Next()) {
    const auto& fields = file.fields();
    if (fields.size() >= 3) {
      AddItem(table, fields[0], fields[1], Spaced(fields[2]));
    }
  }
  return table;
}

Status ReadWithHeader(const fs::path& path, const DataConfig& config, EventBuilder& builder) {
  RONDO_TRY(DelimitedFile file, DelimitedFile::Open(path, {.delimiter = ",", .quoted = true}));
  file.Next();
  const ColumnDefaults defaults{.user = {"userId"},
                                .item = {"movieId"},
                                .rating = {"rating"},
                                .time = {"timestamp"},
                                .event = {}};
  RONDO_TRY(const ColumnIndex columns, FindColumns(file.fields(), config, defaults, file.Where()));
  RONDO_TRY_STATUS(builder.ReadRows(file, columns));
  RONDO_TRY(
      builder.table().item_table,
      ReadMovies(path.parent_path() / "movies.csv", {.delimiter = ",", .quoted = true}, true));
  return Ok();
}

}  // namespace

bool LooksLikeMovieLens(const fs::path& path) {
  for (const char* const name : kLogNames) {
    if (fs::is_directory(path) ? fs::exists(path / name) : path.filename() == name) {
      return true;
    }
  }
  return false;
}

Status ReadMovieLens(const fs::path& path, const DataConfig& config, EventBuilder& builder) {
  fs::path log = path;
  for (const char* const name : kLogNames) {
    if (fs::is_directory(log) && fs::exists(log / name)) {
      log /= name;
    }
  }
  if (fs::is_directory(log)) {
    return Fail(ErrorCode::kInvalidArgument,
                "folder '" + path.string() + "' holds no u.data, ratings.csv or ratings.dat");
  }
  if (log.extension() == ".csv") {
    return ReadWithHeader(log, config, builder);
  }
  const bool double_colon = log.extension() == ".dat";
  RONDO_TRY(DelimitedFile file,
            DelimitedFile::Open(log, {.delimiter = double_colon ? "::" : "\t"}));
  RONDO_TRY_STATUS(
      builder.ReadRows(file, {.user = 0, .item = 1, .rating = 2, .time = 3, .width = 4}));
  const fs::path folder = log.parent_path();
  if (double_colon) {
    RONDO_TRY(builder.table().item_table,
              ReadMovies(folder / "movies.dat", {.delimiter = "::", .latin1 = true}, false));
    RONDO_TRY(
        builder.table().user_table,
        ReadUsers(
            folder / "users.dat", "::", {"user_id", "gender", "age", "occupation", "zip_code"}));
    return Ok();
  }
  RONDO_TRY(builder.table().item_table, ReadPlainItems(folder / "u.item"));
  RONDO_TRY(
      builder.table().user_table,
      ReadUsers(folder / "u.user", "|", {"user_id", "age", "gender", "occupation", "zip_code"}));
  return Ok();
}

}  // namespace rondo
