#include <algorithm>

#include <torch/torch.h>

#include "common/model/device.h"
#include "common/model/encoder.h"
#include "common/model/fusion.h"
#include "common/model/local_training.h"
#include "common/model/trainer.h"

namespace rondo {
namespace {

class ModelScorer : public Scorer {
 public:
  ModelScorer(ModelConfig config, EncoderWeights weights, std::int64_t items)
      : config_(std::move(config)),
        weights_(std::move(weights)),
        items_(items) {}

  Status Score(std::span<const History> histories, std::span<float> scores) override {
    const auto rows = static_cast<std::size_t>(items_ + 1);
    if (scores.size() != histories.size() * rows) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the buffer for scores does not have one row of items a history");
    }
    try {
      const torch::NoGradGuard no_gradient;
      for (std::size_t begin = 0; begin < histories.size(); begin += kBatch) {
        const std::size_t count = std::min(kBatch, histories.size() - begin);
        RONDO_TRY_STATUS(ScoreBatch(histories.subspan(begin, count),
                                    scores.subspan(begin * rows, count * rows)));
      }
    } catch (const std::exception& e) {  // LibTorch throws; this is the border.
      return Fail(ErrorCode::kInternal, "LibTorch failed while scoring: " + std::string(e.what()));
    }
    return Ok();
  }

 private:
  static constexpr std::size_t kBatch = 64;

  Status ScoreBatch(std::span<const History> histories, std::span<float> scores) const {
    const auto most = static_cast<std::size_t>(config_.history);
    std::size_t longest = 1;
    for (const History history : histories) {
      longest = std::max(longest, std::min(history.size(), most));
    }
    const auto batch = static_cast<std::int64_t>(histories.size());
    const auto length = static_cast<std::int64_t>(longest);
    at::Tensor input = at::zeros({1, batch, length}, at::kLong);
    std::int64_t* end = input.data_ptr<std::int64_t>();
    for (const History history : histories) {
      end += length;
      const History recent = history.last(std::min(history.size(), most));
      for (const ItemRow row : recent) {
        if (row < 1 || row > items_) {
          return Fail(ErrorCode::kInvalidArgument,
                      "a history holds row " + std::to_string(row) + ", the catalogue has rows 1.."
                          + std::to_string(items_));
        }
      }
      std::copy(recent.begin(), recent.end(), end - recent.size());
    }
    const at::Device device = weights_.item.device();
    const EncoderInput in{.input = input.to(device)};
    const at::Tensor newest = torch::arange(batch, in.input.options()) * length + (length - 1);
    const bool some_empty =
        std::any_of(histories.begin(), histories.end(), [](const History h) { return h.empty(); });
    const at::Tensor last =
        some_empty
            ? Encode(config_, weights_, in).view({batch * length, -1}).index_select(0, newest)
            : EncodeAt(config_, weights_, in, newest);
    at::Tensor out = at::from_blob(scores.data(), {batch, items_ + 1}, at::kFloat);
    if (device.is_cpu()) {
      torch::mm_out(out, last, weights_.item[0].t());
    } else {
      out.copy_(torch::mm(last, weights_.item[0].t()));
    }
    return Ok();
  }

  ModelConfig config_;
  EncoderWeights weights_;
  std::int64_t items_;
};

}  // namespace

Result<std::unique_ptr<Scorer>> MakeModelScorer(const CohortTrainer::Options& options,
                                                const ParameterVector& model) {
  RONDO_TRY(const std::shared_ptr<const ParameterLayout> layout, LayoutOf(options));
  if (model.layout == nullptr || model.layout->digest() != layout->digest()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the layout of the model to score with is not that of the configured one");
  }
  RONDO_TRY(const at::Device device, FindDevice(options.engine.device));
  try {
    std::vector<at::Tensor> tensors = ToTensors(model, device);
    for (at::Tensor& tensor : tensors) {
      tensor = device.is_cpu() ? tensor.clone() : tensor;  // the scorer outlives `model`
    }
    RONDO_TRY(EncoderWeights weights, BindWeights(options.model, *layout, tensors));
    if (weights.fusion_kind != nullptr) {
      const std::span<const ItemRow> whole;
      FuseFeatures(FeaturesOfTables(*options.features, {&whole, 1}, options.items + 1, device),
                   weights);
    }
    return std::unique_ptr<Scorer>(
        std::make_unique<ModelScorer>(options.model, std::move(weights), options.items));
  } catch (const std::exception& e) {
    return Fail(ErrorCode::kInternal,
                "LibTorch could not hold the model: " + std::string(e.what()));
  }
}

}  // namespace rondo
