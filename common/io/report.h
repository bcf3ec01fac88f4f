#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/io/result_table.h"
#include "common/io/svg.h"

namespace rondo {

/// A plain table; columns whose name is in `numeric` are set right.
struct ReportTable {
  std::string title;
  std::string note;
  std::vector<std::string> columns;
  std::vector<bool> numeric;  ///< one a column; missing ones are text
  std::vector<std::vector<std::string>> rows;
  std::vector<std::pair<std::size_t, std::size_t>> strong;  ///< row and column of bold cells
};

using ReportChart = std::variant<LineChart, BarChart, Histogram, HeatMap>;

struct RecommendedItem {
  std::string item;
  std::string title;  ///< empty: the item's id stands for it
  double score = 0.0;
  std::string reason;
};

/// The recommendations for one user.
struct RecommendationList {
  std::string user;
  std::vector<std::string> history;  ///< titles, newest last
  std::vector<RecommendedItem> items;
};

/// Everything that report.html shows. Empty parts are left out.
struct ReportInput {
  std::string name;
  std::string lead;        ///< one or two sentences: what was trained and how it did
  std::string trust_mode;  ///< "in_process", "channel", ...
  std::string trust_text;  ///< what the coordinator could see
  std::vector<std::pair<std::string, std::string>>
      facts;  ///< rounds, clients, bytes, seconds, BLAS, device
  std::vector<std::string> warnings;
  std::vector<ResultTable> results;
  std::vector<ReportTable> result_tables;  ///< plain ones, after `results`
  std::vector<ReportChart> charts;         ///< curves over rounds: loss, NDCG@10 and HR@10, bytes
  std::vector<ReportTable> client_tables;
  std::vector<ReportChart> client_charts;
  std::vector<RecommendationList> recommendations;
  std::vector<ReportTable> data_tables;
  std::vector<ReportChart> data_charts;
  std::string config;  ///< config.toml
};

/// One self-contained page: no script, no request, light and dark, tables beside every picture.
std::string RenderReport(const ReportInput& input);

/// One picture with its title, what it shows and its numbers, for pages of another kind.
std::string ChartHtml(const ReportChart& chart);

/// A chart's numbers, as shown under its picture.
ReportTable ChartTable(const ReportChart& chart);

}  // namespace rondo
