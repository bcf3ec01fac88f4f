#include "simulations/table_text.h"

#include <algorithm>
#include <functional>
#include <sstream>

#include "common/io/text_table.h"

namespace rondo::sim {
namespace {

bool IsStrong(const ReportTable& table, std::size_t row, std::size_t column) {
  return std::find(table.strong.begin(), table.strong.end(), std::pair(row, column))
         != table.strong.end();
}

bool IsNumeric(const ReportTable& table, std::size_t column) {
  return column < table.numeric.size() && table.numeric[column];
}

std::string Wrapped(const std::string& text) {
  constexpr std::size_t kWidth = 110;
  std::string wrapped;
  std::size_t used = 0;
  std::istringstream words(text);
  for (std::string word; words >> word; used += word.size() + 1) {
    if (used > 0 && used + word.size() > kWidth) {
      wrapped += '\n';
      used = 0;
    }
    wrapped += (used > 0 ? " " : "") + word;
  }
  return wrapped.empty() ? "" : wrapped + "\n";
}

std::string Replaced(const std::string& text, const std::function<std::string(char)>& replacement) {
  std::string replaced;
  for (const char c : text) {
    replaced += replacement(c);
  }
  return replaced;
}

std::string MarkdownCell(const std::string& text) {
  return Replaced(text, [](char c) {
    return c == '|' || c == '*' || c == '_' || c == '<' ? std::string("\\") + c : std::string(1, c);
  });
}

std::string LatexText(const std::string& text) {
  return Replaced(text, [](char c) -> std::string {
    switch (c) {
      case '\\':
        return "\\textbackslash{}";
      case '~':
        return "\\textasciitilde{}";
      case '^':
        return "\\textasciicircum{}";
      case '<':
      case '>':
        return std::string("$") + c + "$";
      default:
        return std::string("&%$#_{}").find(c) == std::string::npos ? std::string(1, c)
                                                                   : std::string("\\") + c;
    }
  });
}

std::string LatexTable(const ReportTable& table) {
  std::string latex = "% " + table.title + "\n\\begin{tabular}{";
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    latex += IsNumeric(table, column) ? 'r' : 'l';
  }
  latex += "}\n\\toprule\n";
  const auto add_row = [&](const std::vector<std::string>& cells,
                           const std::function<bool(std::size_t)>& strong) {
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string text = LatexText(cells[column]);
      latex += column > 0 ? " & " : "";
      latex += strong(column) ? "\\textbf{" + text + "}" : text;
    }
    latex += " \\\\\n";
  };
  add_row(table.columns, [](std::size_t) { return false; });
  latex += "\\midrule\n";
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    add_row(table.rows[row], [&](std::size_t column) { return IsStrong(table, row, column); });
  }
  latex += "\\bottomrule\n\\end{tabular}\n";
  std::istringstream lines(Wrapped(table.note));
  for (std::string line; std::getline(lines, line);) {
    latex += "% " + line + "\n";
  }
  return latex;
}

std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) {
    return text;
  }
  return "\"" + Replaced(text, [](char c) { return c == '"' ? "\"\"" : std::string(1, c); }) + "\"";
}

}  // namespace

std::string ToText(const std::vector<ReportTable>& tables) {
  std::string text;
  for (const ReportTable& table : tables) {
    std::vector<TextTable::Column> columns;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      columns.push_back(
          {table.columns[column],
           IsNumeric(table, column) ? TextTable::Align::kRight : TextTable::Align::kLeft});
    }
    TextTable aligned(columns);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      std::vector<std::string> cells = table.rows[row];
      for (std::size_t column = 0; column < cells.size(); ++column) {
        // The others keep their digits in line.
        const bool starred = std::any_of(table.strong.begin(),
                                         table.strong.end(),
                                         [&](const auto& cell) { return cell.second == column; });
        cells[column] += IsStrong(table, row, column) ? "*" : starred ? " " : "";
      }
      aligned.AddRow(std::move(cells));
    }
    text +=
        (text.empty() ? "" : "\n") + table.title + "\n\n" + aligned.Render() + Wrapped(table.note);
  }
  return text;
}

std::string ToMarkdown(const std::vector<ReportTable>& tables) {
  std::string text;
  for (const ReportTable& table : tables) {
    text += (text.empty() ? "## " : "\n## ") + table.title + "\n\n|";
    for (const std::string& column : table.columns) {
      text += " " + MarkdownCell(column) + " |";
    }
    text += "\n|";
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      text += IsNumeric(table, column) ? "---:|" : "---|";
    }
    text += "\n";
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      text += "|";
      for (std::size_t column = 0; column < table.rows[row].size(); ++column) {
        const std::string cell = MarkdownCell(table.rows[row][column]);
        text += IsStrong(table, row, column) ? " **" + cell + "** |" : " " + cell + " |";
      }
      text += "\n";
    }
    text += table.note.empty() ? "" : "\n" + MarkdownCell(table.note) + "\n";
  }
  return text;
}

std::string ToLatex(const std::vector<ReportTable>& tables) {
  std::string text;
  for (const ReportTable& table : tables) {
    text += (text.empty() ? "" : "\n") + LatexTable(table);
  }
  return text;
}

std::string ToCsv(const ReportTable& table) {
  std::string text;
  const auto add_row = [&](const std::vector<std::string>& cells) {
    for (std::size_t column = 0; column < cells.size(); ++column) {
      text += (column > 0 ? "," : "") + CsvCell(cells[column]);
    }
    text += "\n";
  };
  add_row(table.columns);
  for (const std::vector<std::string>& row : table.rows) {
    add_row(row);
  }
  return text;
}

}  // namespace rondo::sim
