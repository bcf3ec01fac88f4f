#include "common/model/fusion.h"

#include <array>
#include <numeric>

#include <torch/torch.h>

#include "common/model/device.h"

namespace rondo {
namespace {

/// out[to[e]] += amount[e] * table[from[e]] over all entries e.
class WeightedRows : public torch::autograd::Function<WeightedRows> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context,
                            const at::Tensor& table,
                            const TableFeatures& features,
                            std::int64_t rows) {
    context->saved_data["rows"] = table.size(0);
    context->save_for_backward({features.from, features.to, features.amount});
    return Mix(table, features.from, features.to, features.amount, rows);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const std::int64_t rows = context->saved_data["rows"].toInt();
    return {Mix(gradients[0], saved[1], saved[0], saved[2], rows), at::Tensor(), at::Tensor()};
  }

 private:
  static at::Tensor Mix(const at::Tensor& table,
                        const at::Tensor& from,
                        const at::Tensor& to,
                        const at::Tensor& amount,
                        std::int64_t rows) {
    const std::int64_t width = table.size(1);
    at::Tensor out = at::zeros({rows, width}, table.options());
    if (table.is_cuda()) {
      // Sorts: index_add_ would add in any order.
      return out.index_put_({to}, table.index_select(0, from) * amount.unsqueeze(1), true);
    }
    const at::Tensor source = table.contiguous();
    const std::int64_t* from_row = from.data_ptr<std::int64_t>();
    const std::int64_t* to_row = to.data_ptr<std::int64_t>();
    const float* factor = amount.data_ptr<float>();
    for (std::int64_t e = 0; e < from.numel(); ++e) {
      const float* in = source.data_ptr<float>() + from_row[e] * width;
      float* sum = out.data_ptr<float>() + to_row[e] * width;
      for (std::int64_t d = 0; d < width; ++d) {
        sum[d] += factor[e] * in[d];
      }
    }
    return out;
  }
};

/// W [e; f] + b, without building [e; f].
at::Tensor Joined(const at::Tensor& item, const at::Tensor& feature, const AffineWeights& weights) {
  const std::int64_t width = item.size(2);
  const at::Tensor turned = weights.weight.transpose(1, 2);  // [G, 2 width, width]
  const at::Tensor own =
      torch::baddbmm(weights.bias.unsqueeze(1), item, turned.narrow(1, 0, width));
  return torch::baddbmm(own, feature, turned.narrow(1, width, width));
}

at::Tensor Sum(const at::Tensor& item, const at::Tensor& feature, const AffineWeights&) {
  return item + feature;
}

at::Tensor Gate(const at::Tensor& item, const at::Tensor& feature, const AffineWeights& weights) {
  return torch::addcmul(item, torch::sigmoid(Joined(item, feature, weights)), feature);
}

const std::array<FusionKind, 3>& Kinds() {
  static const std::array<FusionKind, 3> kinds = {
      {{"sum", Sum, false}, {"gate", Gate, true}, {"concat", Joined, true}}};
  return kinds;
}

}  // namespace

Result<const FusionKind*> FindFusion(const std::string& name) {
  for (const FusionKind& kind : Kinds()) {
    if (kind.name == name) {
      return &kind;
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              "model.fusion '" + name + "' is unknown: use sum, gate or concat");
}

TableFeatures FeaturesOfTables(const ItemFeatures& features,
                               std::span<const std::span<const ItemRow>> tables,
                               std::int64_t table_rows,
                               const at::Device& device) {
  std::vector<std::int64_t> from;
  std::vector<std::int64_t> to;
  std::vector<float> amount;
  std::vector<ItemRow> all;
  for (std::size_t group = 0; group < tables.size(); ++group) {
    std::span<const ItemRow> rows = tables[group];
    if (rows.empty()) {
      all.resize(static_cast<std::size_t>(table_rows));
      std::iota(all.begin(), all.end(), 0);
      rows = all;
    }
    const auto g = static_cast<std::int64_t>(group);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (const FeatureValue& entry : features.Of(rows[r])) {
        from.push_back(g * features.values() + entry.index);
        to.push_back(g * table_rows + static_cast<std::int64_t>(r));
        amount.push_back(entry.amount);
      }
    }
  }
  const auto size = static_cast<std::int64_t>(amount.size());
  return {.values = features.values(),
          .from = FromHost(from, {size}, device),
          .to = FromHost(to, {size}, device),
          .amount = FromHost(amount, {size}, device)};
}

void FuseFeatures(const TableFeatures& features, EncoderWeights& weights) {
  const at::Tensor& item = weights.item;
  const at::Tensor mixed = WeightedRows::apply(
      weights.feature.reshape({-1, item.size(2)}), features, item.size(0) * item.size(1));
  weights.item =
      weights.fusion_kind->fuse(item, mixed.view(item.sizes()), weights.fusion).contiguous();
}

}  // namespace rondo
