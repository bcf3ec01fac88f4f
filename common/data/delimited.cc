#include <utility>

#include "common/data/reader.h"
#include "common/data/text.h"

namespace rondo {
namespace {

std::string Latin1ToUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xC0 | (byte >> 6)));
      out.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return out;
}

/// Reads one quoted field from `pos`, just behind its opening quote; leaves `pos` behind the
/// closing one. Returns false if the quote never closes.
bool TakeQuoted(std::string_view line, std::size_t& pos, std::string& field) {
  while (pos < line.size()) {
    if (line[pos] != '"') {
      field.push_back(line[pos++]);
    } else if (pos + 1 < line.size() && line[pos + 1] == '"') {
      field.push_back('"');
      pos += 2;
    } else {
      ++pos;
      return true;
    }
  }
  return false;
}

/// Returns false where a quote is open at the end or text follows a closing quote.
bool CutQuoted(std::string_view line,
               std::string_view delimiter,
               std::vector<std::string>& fields) {
  std::size_t pos = 0;
  while (true) {
    std::string field;
    if (pos < line.size() && line[pos] == '"') {
      ++pos;
      if (!TakeQuoted(line, pos, field)) {
        return false;
      }
    } else {
      const std::size_t end = line.find(delimiter, pos);
      field = line.substr(pos, end == std::string_view::npos ? end : end - pos);
      pos += field.size();
    }
    fields.push_back(std::move(field));
    if (pos == line.size()) {
      return true;
    }
    if (line.substr(pos, delimiter.size()) != delimiter) {
      return false;
    }
    pos += delimiter.size();
  }
}

}  // namespace

Result<DelimitedFile> DelimitedFile::Open(const std::filesystem::path& path, Dialect dialect) {
  DelimitedFile file;
  file.stream_.open(path, std::ios::binary);
  if (!file.stream_) {
    return Fail(ErrorCode::kNotFound,
                "cannot open '" + path.string() + "'; check that it exists and is readable");
  }
  file.dialect_ = std::move(dialect);
  file.name_ = path.filename().string();
  return file;
}

bool DelimitedFile::Next() {
  while (std::getline(stream_, line_)) {
    ++number_;
    if (number_ == 1 && line_.starts_with("\xEF\xBB\xBF")) {
      line_.erase(0, 3);
    }
    if (line_.ends_with('\r')) {
      line_.pop_back();
    }
    if (!line_.empty()) {
      Cut();
      return true;
    }
  }
  return false;
}

void DelimitedFile::Cut() {
  if (dialect_.latin1) {
    line_ = Latin1ToUtf8(line_);
  }
  fields_.clear();
  well_quoted_ = true;
  if (dialect_.quoted) {
    well_quoted_ = CutQuoted(line_, dialect_.delimiter, fields_);
    return;
  }
  for (const std::string_view piece : SplitText(line_, dialect_.delimiter)) {
    fields_.emplace_back(piece);
  }
}

std::string DelimitedFile::Where() const {
  return name_ + ":" + std::to_string(number_);
}

std::vector<std::string> HeaderNames(const std::vector<std::string>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const std::string& field : fields) {
    names.push_back(field.substr(0, field.find(':')));
  }
  return names;
}

SideTable ReadSideRows(DelimitedFile& file, const std::vector<std::string>& columns) {
  SideTable table;
  table.columns.assign(columns.begin() + 1, columns.end());
  while (file.Next()) {
    std::vector<std::string> values(file.fields().begin() + 1, file.fields().end());
    values.resize(table.columns.size());
    table.rows.insert_or_assign(file.fields().front(), std::move(values));
  }
  return table;
}

}  // namespace rondo
