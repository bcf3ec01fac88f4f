#pragma once

#include <string>
#include <vector>

#include "common/io/report.h"

/// Tables for a terminal, for Markdown and for LaTeX, notes below them.
namespace rondo::sim {

/// Bold cells carry a star; notes are wrapped.
std::string ToText(const std::vector<ReportTable>& tables);

std::string ToMarkdown(const std::vector<ReportTable>& tables);

/// One `tabular` each, for \input; needs the package booktabs.
std::string ToLatex(const std::vector<ReportTable>& tables);

/// Numbers and texts as they stand, with a header; cells with commas or quotes are quoted.
std::string ToCsv(const ReportTable& table);

}  // namespace rondo::sim
