#include "common/model/own_vectors.h"

#include <algorithm>
#include <string>

#include <torch/torch.h>

#include "common/core/check.h"
#include "common/model/device.h"

namespace rondo {
namespace {

/// A vector of the client of a group; empty if it brings none.
std::span<const float> VectorOf(const RoundContext& context,
                                const Pack& pack,
                                std::int64_t group,
                                std::span<const float> ClientData::*vector) {
  if (pack.shared() || context.clients.empty()) {
    return {};
  }
  return context.clients[pack.plans()[static_cast<std::size_t>(group)]->client].*vector;
}

/// The part of a client's vector that its group trains, to `to`: of the item table the rows of the
/// pack.
void CopyPart(const ParameterEntry& entry,
              std::span<const float> vector,
              std::span<const ItemRow> table,
              float* to) {
  const std::span<const float> part = vector.subspan(entry.offset, entry.size);
  if (entry.name != "item.weight" || table.empty()) {
    std::copy(part.begin(), part.end(), to);
    return;
  }
  const auto width = static_cast<std::size_t>(entry.shape[1]);
  for (const ItemRow row : table) {
    const auto values = part.subspan(static_cast<std::size_t>(row) * width, width);
    to = std::copy(values.begin(), values.end(), to);
  }
}

Status Misused(const ClientId& client, const std::string& what) {
  return Fail(ErrorCode::kInternal, "client '" + client + "' brings " + what);
}

}  // namespace

Status CheckOwnVectors(std::span<const ClientData> clients,
                       const TrainTask& task,
                       const ParameterLayout& layout,
                       UpdateVisibility visibility) {
  for (const ClientData& client : clients) {
    for (const std::span<const float> vector : {client.correction, client.personal}) {
      if (!vector.empty() && vector.size() != layout.size()) {
        return Misused(client.id,
                       "a vector of " + std::to_string(vector.size()) + " numbers to a model of "
                           + std::to_string(layout.size()));
      }
      if (!vector.empty() && visibility == UpdateVisibility::kSumOnly) {
        return Misused(client.id, "vectors of its own, but its update is asked for in a sum only");
      }
    }
    if (!client.correction.empty() && !CorrectsGradients(task)) {
      return Misused(client.id, "a correction of gradients that its task does not ask for");
    }
  }
  return Ok();
}

void TakePersonalStart(const RoundContext& context,
                       const Pack& pack,
                       std::vector<at::Tensor>& start) {
  std::vector<std::int64_t> who;
  for (std::int64_t group = 0; group < pack.groups(); ++group) {
    if (!VectorOf(context, pack, group, &ClientData::personal).empty()) {
      who.push_back(group);
    }
  }
  if (who.empty()) {
    return;
  }
  const auto count = static_cast<std::int64_t>(who.size());
  const at::Device device = start[0].device();
  const at::Tensor groups = FromHost(who, {count}, device);
  for (std::size_t i = 0; i < start.size(); ++i) {
    const ParameterEntry& entry = context.layout->entries()[i];
    if (entry.group != ParameterGroup::kPersonal) {
      continue;
    }
    std::vector<std::int64_t> shape = start[i].sizes().vec();
    const std::int64_t stride = start[i].numel() / shape[0];
    shape[0] = count;
    std::vector<float> values(static_cast<std::size_t>(count * stride), 0.0F);
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t group = who[static_cast<std::size_t>(n)];
      CopyPart(entry,
               VectorOf(context, pack, group, &ClientData::personal),
               pack.table(group),
               values.data() + n * stride);
    }
    start[i] = start[i].clone(at::MemoryFormat::Contiguous);
    start[i].index_copy_(0, groups, FromHost(values, shape, device));
  }
}

at::Tensor CorrectionOf(const RoundContext& context, const Pack& pack) {
  at::Tensor all;
  for (std::int64_t group = 0; group < pack.groups(); ++group) {
    const auto correction = VectorOf(context, pack, group, &ClientData::correction);
    if (correction.empty()) {
      continue;
    }
    RONDO_CHECK(pack.table(group).empty()) << "a correction moves every row of the item table";
    if (!all.defined()) {
      all = at::zeros({pack.groups() * static_cast<std::int64_t>(context.layout->size())},
                      at::kFloat);
    }
    for (const ParameterEntry& entry : context.layout->entries()) {
      const auto first = static_cast<std::int64_t>(entry.offset) * pack.groups()
                         + static_cast<std::int64_t>(entry.size) * group;
      float* const to = all.data_ptr<float>() + first;
      CopyPart(entry, correction, {}, to);
      if (entry.zero_first_row) {
        std::fill_n(to, entry.shape[1], 0.0F);
      }
    }
  }
  return all.defined() ? ToDevice(all, context.base[0].device()) : all;
}

std::vector<std::size_t> FrozenOf(const ParameterLayout& layout) {
  std::vector<std::size_t> frozen;
  for (std::size_t i = 0; i < layout.entries().size(); ++i) {
    if (layout.entries()[i].group == ParameterGroup::kFrozen) {
      frozen.push_back(i);
    }
  }
  return frozen;
}

void Freeze(const std::vector<std::size_t>& frozen, std::vector<at::Tensor>& gradients) {
  for (const std::size_t i : frozen) {
    gradients[i].zero_();
  }
}

}  // namespace rondo
