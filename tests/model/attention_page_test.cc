#include <cmath>
#include <cstdio>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "common/core/file.h"
#include "common/model/attention.h"
#include "common/model/attention_forms.h"

/// The example of docs/attention.md, by the functions of the model.
namespace rondo {
namespace {

std::string Fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4f", value);
  return text;
}

std::string Row(const at::Tensor& values) {
  std::string text;
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    text += (i == 0 ? "" : ", ") + Fixed(values.view({-1})[i].item<double>());
  }
  return text;
}

class AttentionPage : public ::testing::TestWithParam<std::string> {
 protected:
  AttentionPage() : text_(ReadTextFile(std::string(RONDO_DOCS) + "/" + GetParam()).value()) {}

  void ExpectTold(const std::string& what) const {
    EXPECT_NE(text_.find(what), std::string::npos) << GetParam() << " does not tell " << what;
  }

  at::Tensor Scores(const std::string& kind, const at::Tensor& mask) const {
    return FindAttention(kind).value()->score(query_, keys_, {}, mask);
  }

  /// Shares and result of a row of the page's table.
  void ExpectRow(const at::Tensor& scores, double gate = 1.0) const {
    const at::Tensor shares = torch::softmax(scores, -1);
    ExpectTold("| " + Row(shares) + " | [" + Row(torch::matmul(shares, values_) * gate) + "] |");
  }

  std::string text_;
  at::Tensor query_ = torch::tensor({1.0F, 0.0F, 1.0F}).view({1, 1, 3});
  at::Tensor keys_ =
      torch::tensor({1.0F, 0.0F, 1.0F, 0.0F, 1.0F, 1.0F, 0.0F, 1.0F, 0.0F}).view({1, 3, 3});
  at::Tensor values_ = torch::tensor({1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F}).view({1, 3, 2});
  at::Tensor open_ = torch::zeros({1, 1, 3});
};

TEST_P(AttentionPage, TellsScoresSharesAndMixOfTheExample) {
  const at::Tensor dot = Scores("dot", open_);
  const at::Tensor scaled = Scores("multi_head", open_);
  const at::Tensor shares = torch::softmax(scaled, -1);
  for (const at::Tensor& step : {dot, scaled, shares}) {
    const char* const names[] = {"A ", "B ", "C "};
    for (std::int64_t i = 0; i < 3; ++i) {
      ExpectTold(names[i] + Fixed(step[0][0][i].item<double>()));
    }
  }
  ExpectTold(" " + Fixed(scaled.exp().sum().item<double>()));
  ExpectTold("= [" + Row(torch::matmul(shares, values_)) + "]");
}

TEST_P(AttentionPage, TellsTheOtherForms) {
  const at::Tensor scaled = Scores("multi_head", open_);
  ExpectRow(scaled);
  ExpectRow(Scores("dot", open_));
  ExpectRow(Scores("uniform", open_));
  ExpectRow(FindForm("top_k").value()->choose({.top_k = 2}, scaled));
  ExpectRow(Scores("multi_head", torch::tensor({-1e9F, 0.0F, 0.0F}).view({1, 1, 3})));
  const double gate = 1.0 / (1.0 + std::exp(0.0));
  ExpectTold("sigmoid(0) = " + Fixed(gate));
  ExpectRow(scaled, gate);
}

TEST_P(AttentionPage, TellsWhatGoesWrong) {
  ExpectTold(Fixed(torch::softmax(torch::tensor({-3.7F}), 0).item<double>()));
  const at::Tensor wrong = torch::softmax(Scores("multi_head", open_).view({1, 3, 1}), -1);
  ExpectTold("[" + Row(torch::matmul(wrong.transpose(1, 2), values_)) + "]");
  const at::Tensor errors = torch::tensor({1.0, -2.0, 0.5}, at::kDouble);
  ExpectTold(Fixed(errors.square().mean().item<double>()));
  ExpectTold(Fixed(errors.abs().mean().item<double>()));
  ExpectTold(Fixed(errors.square().mean().sqrt().item<double>()));
}

INSTANTIATE_TEST_SUITE_P(Languages,
                         AttentionPage,
                         ::testing::Values("attention.md", "attention.zh.md"),
                         [](const auto& info) {
                           return info.param == "attention.md" ? "English" : "Chinese";
                         });

}  // namespace
}  // namespace rondo
