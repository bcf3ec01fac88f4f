#include <cstring>

#include "common/config/number_text.h"
#include "common/core/file.h"
#include "common/data/generator.h"

// NAME.npy := "\x93NUMPY" 0x01 0x00 length:uint16le header { float32le }
//   header := a Python dictionary padded with spaces and "\n" to a multiple of 64 bytes from the
//   start of the file

namespace rondo {
namespace {

Bytes NpyBytes(const std::vector<float>& values, std::size_t rows) {
  const std::size_t columns = rows == 0 ? 0 : values.size() / rows;
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows)
                       + ", " + std::to_string(columns) + "), }";
  constexpr std::size_t kPrefix = 10;
  while ((kPrefix + header.size() + 1) % 64 != 0) {
    header.push_back(' ');
  }
  header.push_back('\n');
  std::string start("\x93NUMPY\x01\x00", 8);
  start.push_back(static_cast<char>(header.size() & 0xFF));
  start.push_back(static_cast<char>(header.size() >> 8));
  start += header;
  Bytes bytes(start.size() + values.size() * sizeof(float));
  std::memcpy(bytes.data(), start.data(), start.size());
  std::memcpy(bytes.data() + start.size(), values.data(), values.size() * sizeof(float));
  return bytes;
}

std::string IntegerList(const std::vector<int>& values, int offset) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(values[i] + offset);
  }
  return text + "]";
}

std::string ModalitiesText(const GeneratorConfig& config) {
  std::string text = "[";
  for (const ModalityConfig& modality : config.modalities) {
    text += text.size() == 1 ? "" : ", ";
    text += "{\"name\": \"" + modality.name + "\", \"dimension\": "
            + std::to_string(modality.dimension) + ", \"noise\": " + FormatNumber(modality.noise)
            + ", \"missing\": " + FormatNumber(modality.missing) + "}";
  }
  return text + "]";
}

/// Items and interests count from 1, as ids do.
std::string TruthText(const GeneratedData& data, const GeneratorConfig& config) {
  std::string text = "{\n  \"schema_version\": 1,\n";
  const auto field = [&](const char* name, const std::string& value) {
    text += std::string("  \"") + name + "\": " + value + ",\n";
  };
  field("seed", std::to_string(config.seed));
  field("users", std::to_string(config.users));
  field("items", std::to_string(config.items));
  field("interests", std::to_string(config.interests));
  field("sequential", FormatNumber(config.sequential));
  field("exploration", FormatNumber(config.exploration));
  field("popularity", FormatNumber(config.popularity));
  field("concentration", FormatNumber(config.concentration));
  field("typed", config.typed ? "true" : "false");
  field("modalities", ModalitiesText(config));
  field("item_interest", IntegerList(data.interest, 1));
  text += "  \"item_successor\": " + IntegerList(data.successor, 1) + "\n}\n";
  return text;
}

}  // namespace

Status WriteGenerated(const GeneratedData& data,
                      const GeneratorConfig& config,
                      const std::filesystem::path& folder) {
  RONDO_TRY_STATUS(MakeFolder(folder));
  for (std::size_t m = 0; m < config.modalities.size(); ++m) {
    const Bytes bytes = NpyBytes(data.vectors[m], static_cast<std::size_t>(config.items));
    RONDO_TRY_STATUS(WriteFileAtomic(folder / (config.modalities[m].name + ".npy"), bytes));
  }
  RONDO_TRY_STATUS(WriteTextFile(folder / "truth.json", TruthText(data, config)));
  return WriteAtomicFiles(data.table, folder, "synthetic");
}

}  // namespace rondo
