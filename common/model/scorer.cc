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
  ModelScorer(const CohortTrainer::Options& options, EncoderWeights weights)
      : config_(options.model),
        weights_(std::move(weights)),
        items_(options.items),
        counts_itself_(weights_.item.is_cuda() || options.as_gpu) {}

  Status Score(std::span<const History> histories, std::span<float> scores) override {
    const auto rows = static_cast<std::size_t>(items_ + 1);
    if (scores.size() != histories.size() * rows) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the buffer for scores does not have one row of items a history");
    }
    return InBatches(histories.size(), [&](std::size_t begin, std::size_t count) -> Status {
      RONDO_TRY(const Batch batch, BatchOf(histories.subspan(begin, count)));
      at::Tensor out = at::from_blob(
          scores.data() + begin * rows, {static_cast<std::int64_t>(count), items_ + 1}, at::kFloat);
      ScoreInto(batch, out);
      return Ok();
    });
  }

  bool CountsItself() const override { return counts_itself_; }

  Result<std::vector<ScoreCounts>> Count(std::span<const CountQuery> queries,
                                         std::vector<float>& others) override {
    std::vector<ScoreCounts> counts;
    others.clear();
    RONDO_TRY_STATUS(InBatches(queries.size(), [&](std::size_t begin, std::size_t count) {
      return CountBatch(queries.subspan(begin, count), counts, others);
    }));
    return counts;
  }

 private:
  static constexpr std::size_t kBatch = 64;

  template <typename Work>
  static Status InBatches(std::size_t total, const Work& work) {
    try {
      const torch::NoGradGuard no_gradient;
      for (std::size_t begin = 0; begin < total; begin += kBatch) {
        RONDO_TRY_STATUS(work(begin, std::min(kBatch, total - begin)));
      }
    } catch (const std::exception& e) {  // LibTorch throws; this is the border.
      return Fail(ErrorCode::kInternal, "LibTorch failed while scoring: " + std::string(e.what()));
    }
    return Ok();
  }

  /// Histories as tensors, on the device of the weights.
  struct Batch {
    at::Tensor input;   ///< int64 [1, histories, length]
    at::Tensor newest;  ///< int64 [histories], flat positions of their newest events
    bool some_empty = false;
  };

  Result<Batch> BatchOf(std::span<const History> histories) const {
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
    const at::Tensor there = input.to(weights_.item.device());
    return Batch{.input = there,
                 .newest = torch::arange(batch, there.options()) * length + (length - 1),
                 .some_empty = std::any_of(histories.begin(), histories.end(), [](const History h) {
                   return h.empty();
                 })};
  }

  /// Scores of the whole catalogue. Shapes  out [histories, items + 1].
  void ScoreInto(const Batch& batch, at::Tensor& out) const {
    const EncoderInput in{.input = batch.input};
    if (weights_.kind->score != nullptr) {
      ScoreCandidates(batch, out);
      return;
    }
    const at::Tensor states = batch.some_empty ? Encode(config_, weights_, in)
                                                     .view({batch.input.numel(), -1})
                                                     .index_select(0, batch.newest)
                                               : EncodeAt(config_, weights_, in, batch.newest);
    if (states.device() == out.device()) {
      torch::mm_out(out, states, weights_.item[0].t());
    } else {
      out.copy_(torch::mm(states, weights_.item[0].t()));
    }
  }

  /// The same where every item asks for itself, some items at a time.
  void ScoreCandidates(const Batch& batch, at::Tensor& out) const {
    constexpr std::int64_t kAtOnce = 1 << 22;  // numbers of the candidates' states
    const std::int64_t histories = batch.newest.size(0);
    const std::int64_t wide = std::max<std::int64_t>(config_.width, batch.input.size(2));
    const std::int64_t step = std::max<std::int64_t>(1, kAtOnce / (histories * wide));
    for (std::int64_t begin = 0; begin <= items_; begin += step) {
      const std::int64_t count = std::min(step, items_ + 1 - begin);
      const at::Tensor rows =
          torch::arange(begin, begin + count, batch.input.options()).expand({1, histories, count});
      out.narrow(1, begin, count)
          .copy_(weights_.kind->score(
              config_, weights_, {.input = batch.input}, batch.newest.unsqueeze(0), rows)[0]);
    }
  }

  Status CountBatch(std::span<const CountQuery> queries,
                    std::vector<ScoreCounts>& counts,
                    std::vector<float>& others) const {
    const auto batch = static_cast<std::int64_t>(queries.size());
    std::vector<History> histories;
    std::vector<std::int64_t> wanted;  // places in the flat scores: targets, then others
    for (std::int64_t i = 0; i < batch; ++i) {
      const CountQuery& query = queries[static_cast<std::size_t>(i)];
      histories.push_back(query.history);
      wanted.push_back(i * (items_ + 1) + std::max<std::int64_t>(query.target, 1));
    }
    for (std::int64_t i = 0; i < batch; ++i) {
      for (const ItemRow row : queries[static_cast<std::size_t>(i)].others) {
        wanted.push_back(i * (items_ + 1) + row);
      }
    }
    RONDO_TRY(const Batch inputs, BatchOf(histories));
    at::Tensor scores = at::empty({batch, items_ + 1}, weights_.item.options());
    ScoreInto(inputs, scores);
    const auto size = static_cast<std::int64_t>(wanted.size());
    const at::Tensor chosen =
        scores.view({-1}).index_select(0, FromHost(wanted, {size}, scores.device()));
    const at::Tensor items = scores.narrow(1, 1, items_);
    const at::Tensor target = chosen.narrow(0, 0, batch).unsqueeze(1);
    const at::Tensor compared =
        torch::stack({(items > target).sum(1), (items == target).sum(1), (items != items).sum(1)})
            .to(at::kCPU);
    const at::Tensor picked = chosen.to(at::kCPU);
    const auto* const number = compared.data_ptr<std::int64_t>();
    const auto* const score = picked.data_ptr<float>();
    for (std::int64_t i = 0; i < batch; ++i) {
      counts.push_back({.target = score[i],
                        .greater = static_cast<std::uint32_t>(number[i]),
                        .equal = static_cast<std::uint32_t>(number[batch + i]),
                        .nans = static_cast<std::uint32_t>(number[2 * batch + i])});
    }
    others.insert(others.end(), score + batch, score + size);
    return Ok();
  }

  ModelConfig config_;
  EncoderWeights weights_;
  std::int64_t items_;
  bool counts_itself_;
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
    return std::unique_ptr<Scorer>(std::make_unique<ModelScorer>(options, std::move(weights)));
  } catch (const std::exception& e) {
    return Fail(ErrorCode::kInternal,
                "LibTorch could not hold the model: " + std::string(e.what()));
  }
}

}  // namespace rondo
