#include "common/core/check.h"
#include "common/io/checkpoint.h"
#include "common/io/safetensors.h"
#include "tests/fuzz/target.h"

namespace rondo::fuzz {
namespace {

Result<Bytes> Encoded(const TensorFile& file) {
  std::vector<TensorView> views;
  views.reserve(file.tensors.size());
  for (const NamedTensor& tensor : file.tensors) {
    views.push_back({.name = tensor.name, .shape = tensor.shape, .values = {}});
    std::visit([&](const auto& values) { views.back().values = std::span(values); }, tensor.values);
  }
  return EncodeSafetensors(views, file.metadata);
}

bool RunSafetensors(ByteView input) {
  const auto file = DecodeSafetensors(input);
  if (!file) {
    return false;
  }
  const auto written = Encoded(*file);
  RONDO_CHECK(written.has_value())
      << "what was read cannot be written: " << written.error().message;
  const auto again = DecodeSafetensors(*written);
  RONDO_CHECK(again.has_value()) << "own bytes are refused: " << again.error().message;
  RONDO_CHECK(Encoded(*again).value() == *written) << "a file changes on its way";
  return true;
}

ModelConfig Model() {
  return {.width = 2, .blocks = 1, .heads = 1, .history = 2};
}

std::vector<Bytes> SafetensorsSeeds() {
  const std::vector<float> reals = {1.0F, -2.0F, 0.5F, 0.0F};
  const std::vector<std::int64_t> integers = {1, -7, 3};
  const std::vector<TensorView> views = {
      {.name = "a", .shape = {2, 2}, .values = std::span(reals)},
      {.name = "b.c", .shape = {3}, .values = std::span(integers)}};
  const auto layout = ModelLayout(Model(), 3).value();
  return {EncodeSafetensors(views, {{"key", "text"}}).value(),
          EncodeSafetensors({}, {}).value(),
          EncodeParameters(InitialParameters(layout, 1)).value()};
}

bool RunCheckpoint(ByteView input) {
  const auto checkpoint = DecodeCheckpoint(input);
  if (!checkpoint) {
    return false;
  }
  const auto written = EncodeCheckpoint(*checkpoint);
  RONDO_CHECK(written.has_value())
      << "what was read cannot be written: " << written.error().message;
  return true;
}

std::vector<Bytes> CheckpointSeeds() {
  const auto layout = ModelLayout(Model(), 3).value();
  Checkpoint checkpoint{.round = 3, .model = InitialParameters(layout, 3)};
  checkpoint.optimizer = {{"m", InitialParameters(layout, 4)}};
  checkpoint.best_round = 2;
  checkpoint.best_score = 0.25;
  checkpoint.run = {.name = "fuzz",
                    .model = Model(),
                    .catalogue_sha256 = std::string(64, 'a'),
                    .items = 3,
                    .scenario = "name = \"fuzz\"\n"};
  checkpoint.extra = {{"history", "[1,2]"}};
  return {EncodeCheckpoint(checkpoint).value()};
}

}  // namespace

Target SafetensorsTarget() {
  return {"safetensors", RunSafetensors, SafetensorsSeeds};
}

Target CheckpointTarget() {
  return {"checkpoint", RunCheckpoint, CheckpointSeeds};
}

}  // namespace rondo::fuzz
