#include <algorithm>
#include <utility>

#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "common/data/dataset.h"
#include "common/data/text.h"

namespace rondo {
namespace {

std::string CatalogueText(const std::vector<std::string>& ids,
                          const std::vector<std::string>& columns,
                          const std::vector<std::vector<std::string>>& values) {
  std::string text = "item_id";
  for (const std::string& column : columns) {
    text += "\t" + column;
  }
  text += "\n";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    text += ids[i];
    for (std::size_t c = 0; c < columns.size(); ++c) {
      text += "\t" + values[i][c];
    }
    text += "\n";
  }
  return text;
}

Status CheckShape(const std::vector<std::string>& ids,
                  const std::vector<std::string>& columns,
                  const std::vector<std::vector<std::string>>& values) {
  if (ids.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the catalogue is empty; it needs at least one item");
  }
  if (!columns.empty() && values.size() != ids.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the catalogue has " + std::to_string(ids.size()) + " items but values for "
                    + std::to_string(values.size()));
  }
  for (const auto& row : values) {
    if (row.size() != columns.size() || !std::all_of(row.begin(), row.end(), FitsTsvCell)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "a catalogue row must hold one value a column, without tabs or line ends");
    }
  }
  return Ok();
}

}  // namespace

Result<Catalogue> Catalogue::Create(std::vector<std::string> ids,
                                    std::vector<std::string> columns,
                                    std::vector<std::vector<std::string>> values) {
  RONDO_TRY_STATUS(CheckShape(ids, columns, values));
  Catalogue catalogue;
  catalogue.rows_.reserve(ids.size());
  for (const std::string& id : ids) {
    const auto row = static_cast<ItemRow>(catalogue.rows_.size() + 1);
    if (id.empty() || !FitsTsvCell(id)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "catalogue row " + std::to_string(row)
                      + " has an empty item id or one with a tab or line end");
    }
    if (!catalogue.rows_.emplace(id, row).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  "item '" + id + "' stands twice in the catalogue; every item needs one row");
    }
  }
  catalogue.text_ = CatalogueText(ids, columns, values);
  catalogue.sha256_ = Sha256Hex(AsBytes(catalogue.text_));
  catalogue.ids_ = std::move(ids);
  for (std::string& column : columns) {
    const std::size_t colon = std::min(column.find(':'), column.size());
    catalogue.types_.push_back(column.substr(std::min(colon + 1, column.size())));
    column.resize(colon);
  }
  catalogue.columns_ = std::move(columns);
  catalogue.values_ = std::move(values);
  return catalogue;
}

Result<Catalogue> Catalogue::Read(const std::filesystem::path& path) {
  RONDO_TRY(std::string text, ReadTextFile(path));
  std::vector<std::string> columns;
  std::vector<std::string> ids;
  std::vector<std::vector<std::string>> values;
  bool is_header = true;
  for (const auto& [number, line] : NumberedLines(text)) {
    const std::string where = path.string() + ":" + std::to_string(number);
    std::vector<std::string> cells;
    for (const std::string_view cell : SplitText(line, "\t")) {
      cells.emplace_back(cell);
    }
    if (is_header) {
      if (cells.front() != "item_id" && !cells.front().starts_with("item_id:")) {
        return Fail(
            ErrorCode::kInvalidArgument,
            where + ": a catalogue starts with the column 'item_id', not '" + cells.front() + "'");
      }
      columns.assign(cells.begin() + 1, cells.end());
      is_header = false;
      continue;
    }
    if (cells.size() != columns.size() + 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  where + ": has " + std::to_string(cells.size()) + " fields, not "
                      + std::to_string(columns.size() + 1));
    }
    ids.push_back(cells.front());
    values.emplace_back(cells.begin() + 1, cells.end());
  }
  auto created = Create(std::move(ids), std::move(columns), std::move(values));
  if (!created) {
    return Fail(created.error().code, path.string() + ": " + created.error().message);
  }
  // The hash names the file as it lies on disk, types and all.
  Catalogue catalogue = std::move(created).value();
  catalogue.text_ = std::move(text);
  catalogue.sha256_ = Sha256Hex(AsBytes(catalogue.text_));
  return catalogue;
}

ItemRow Catalogue::Row(std::string_view id) const {
  const auto row = rows_.find(std::string(id));
  return row == rows_.end() ? 0 : row->second;
}

const std::string& Catalogue::id(ItemRow row) const {
  return ids_[static_cast<std::size_t>(row) - 1];
}

std::string_view Catalogue::Value(ItemRow row, std::string_view column) const {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found == columns_.end() || row < 1 || row > items()) {
    return {};
  }
  return values_[static_cast<std::size_t>(row) - 1]
                [static_cast<std::size_t>(found - columns_.begin())];
}

std::string_view Catalogue::Type(std::string_view column) const {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  return found == columns_.end() ? std::string_view()
                                 : types_[static_cast<std::size_t>(found - columns_.begin())];
}

std::string Catalogue::Title(ItemRow row) const {
  for (const char* const column : {"title", "movie_title"}) {
    if (const std::string_view title = Value(row, column); !title.empty()) {
      return std::string(title);
    }
  }
  return id(row);
}

}  // namespace rondo
