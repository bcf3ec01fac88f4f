#include "simulations/data_commands.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/scenario.h"
#include "common/config/sources.h"
#include "common/core/file.h"
#include "common/data/dataset.h"
#include "common/data/events.h"
#include "common/data/generator.h"
#include "common/data/partition_files.h"
#include "common/data/split_files.h"
#include "simulations/data_stats.h"

namespace rondo::sim {
namespace {

constexpr const char* kHelp = R"(Examples:
  rondo-sim data stats ml-100k/ --html report.html
  rondo-sim data import ratings.csv --columns user=reviewer,item=asin,time=ts --out shop/
  rondo-sim data catalogue shop/ --out catalogue.tsv
  rondo-sim data partition simulations/scenarios/ml-100k-institutions.toml --out clients/
  rondo-sim data generate --users 1000 --typed --out synthetic/

Reads, describes, splits and generates data sets. Every command but generate takes a log file, its folder or a scenario (.toml).)";

/// What all commands that read a data set share; flags win over the scenario, its environment and
/// --set.
struct Source {
  std::filesystem::path path;
  std::vector<std::string> sets;
  std::optional<std::string> format, order, ties, split, clients;
  std::optional<std::filesystem::path> catalogue;
  std::optional<int> institutions;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> columns;
  std::vector<std::string> events;
};

struct Output {
  std::filesystem::path out;
  std::string name;
  std::filesystem::path html;
  bool json = false;
};

template <typename T>
void Override(const std::optional<T>& flag, T& value) {
  if (flag) {
    value = *flag;
  }
}

Status AddPairs(const std::string& flag,
                const std::vector<std::string>& words,
                std::map<std::string, std::string>& pairs) {
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Fail(ErrorCode::kInvalidArgument, flag + " takes NAME=VALUE, not '" + word + "'");
    }
    pairs[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return Ok();
}

Result<DataConfig> Resolve(const Source& source) {
  const bool is_scenario = source.path.extension() == ".toml";
  ScenarioSources sources{.environment = ConfigEnvironment(), .sets = source.sets};
  if (is_scenario) {
    sources.file = source.path;
  }
  RONDO_TRY(const Scenario scenario, LoadScenario(sources));
  DataConfig config = scenario.data;
  if (!is_scenario) {
    config.path = source.path;
  }
  Override(source.format, config.format);
  Override(source.order, config.order);
  Override(source.ties, config.ties);
  Override(source.split, config.split);
  Override(source.clients, config.clients);
  Override(source.catalogue, config.catalogue);
  Override(source.institutions, config.institutions);
  Override(source.seed, config.seed);
  RONDO_TRY_STATUS(AddPairs("--columns", source.columns, config.columns));
  RONDO_TRY_STATUS(AddPairs("--events", source.events, config.events));
  return config;
}

std::shared_ptr<Source> AddSource(CLI::App& command) {
  auto source = std::make_shared<Source>();
  command.add_option("path", source->path, "Log file, folder of a data set, or scenario (.toml)")
      ->required();
  command.add_option("--format", source->format, "auto, recbole, movielens or csv");
  command
      .add_option("--columns", source->columns, "CSV columns, such as user=who,item=what,time=when")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--events", source->events, "Roles of events, such as view=input,buy=both")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--order", source->order, "time, sequence or none");
  command.add_option("--ties", source->ties, "file or hash");
  command.add_option("--split", source->split, "leave_one_out, global_time, user_ratio or none");
  command.add_option(
      "--clients", source->clients, "user, column:NAME[:N], dirichlet:ALPHA or lognormal:SIGMA");
  command.add_option(
      "--institutions", source->institutions, "Number of clients of dirichlet and lognormal");
  command.add_option("--catalogue",
                     source->catalogue,
                     "Public item list; left out, the items of the training rows");
  command.add_option("--seed", source->seed, "Seed of partition, ties and hold-out");
  command.add_option("--set", source->sets, "Any key of a scenario: data.min_user_events=5")
      ->allow_extra_args(false);
  return source;
}

void ShowReport(const DataReport& report) {
  std::cerr << WithCommas(report.rows) << " rows, " << WithCommas(report.bad_rows) << " broken\n";
  for (const std::string& example : report.bad_row_examples) {
    std::cerr << "  " << example << '\n';
  }
  for (const std::string& warning : report.warnings) {
    std::cerr << "warning: " << warning << '\n';
  }
}

Status Import(const Source& source, const Output& output) {
  RONDO_TRY(const DataConfig config, Resolve(source));
  RONDO_TRY(const EventTable table, ReadEvents(config));
  ShowReport(table.report);
  RONDO_TRY_STATUS(WriteAtomicFiles(table, output.out, output.name));
  std::cout << (output.out / (output.name + ".inter")).string() << '\n';
  return Ok();
}

Status Export(const Source& source, const Output& output) {
  RONDO_TRY(const DataConfig config, Resolve(source));
  RONDO_TRY(const std::vector<WrittenPart> parts, WriteSplit(config, output.out, output.name));
  for (const WrittenPart& part : parts) {
    std::cout << part.file.string() << '\n';
    if (part.outside > 0) {
      std::cerr << WithCommas(part.outside) << " rows outside the catalogue are not in "
                << part.file.filename().string() << '\n';
    }
  }
  return Ok();
}

Status Stats(const Source& source, const Output& output) {
  RONDO_TRY(const DataConfig config, Resolve(source));
  RONDO_TRY(const LoadedData loaded, LoadData(config));
  RONDO_TRY(const std::vector<ClientShard> shards, PartitionClients(loaded.dataset, config));
  const DataStats stats = ComputeStats(loaded, shards, config);
  std::cout << (output.json ? StatsJson(stats) + "\n" : StatsText(stats));
  if (!output.html.empty()) {
    RONDO_TRY_STATUS(WriteTextFile(output.html, StatsPage(stats)));
    std::cerr << "wrote " << output.html.string() << '\n';
  }
  return Ok();
}

Status WriteCatalogue(const Source& source, const Output& output) {
  RONDO_TRY(const DataConfig config, Resolve(source));
  RONDO_TRY(const LoadedData loaded, LoadData(config));
  const Catalogue& catalogue = *loaded.dataset.catalogue;
  RONDO_TRY_STATUS(WriteTextFile(output.out, catalogue.text()));
  std::cout << catalogue.sha256() << "  " << output.out.string() << '\n';
  std::cerr
      << WithCommas(static_cast<std::uint64_t>(catalogue.items()))
      << " items that occur in training rows; review the list before it goes to a federation\n";
  return Ok();
}

Status Partition(const Source& source, const Output& output) {
  RONDO_TRY(const DataConfig config, Resolve(source));
  RONDO_TRY(const WrittenPartition written, WritePartition(config, output.out));
  for (const ClientId& client : written.clients) {
    std::cout << client << '\t' << (output.out / ClientFolderName(client)).string() << '\n';
  }
  std::cerr << WithCommas(written.clients.size()) << " clients and " << written.catalogue.string()
            << '\n';
  return Ok();
}

/// What `generate` takes beside the fields of GeneratorConfig: one value for all kinds of vectors.
struct VectorFlags {
  std::optional<double> noise, missing;
};

Status Generate(GeneratorConfig config,
                const VectorFlags& vectors,
                const std::filesystem::path& out) {
  for (ModalityConfig& modality : config.modalities) {
    Override(vectors.noise, modality.noise);
    Override(vectors.missing, modality.missing);
  }
  RONDO_TRY(const GeneratedData data, GenerateData(config));
  RONDO_TRY_STATUS(WriteGenerated(data, config, out));
  std::cout << (out / "synthetic.inter").string() << '\n';
  std::cerr << WithCommas(data.table.events.size()) << " events of " << config.users << " users on "
            << config.items << " items; the truth is in truth.json\n";
  return Ok();
}

using Job = Status (*)(const Source&, const Output&);

/// `out_help` empty: the command writes no file by --out.
CLI::App* AddReader(CLI::App& data,
                    Action& action,
                    const char* name,
                    const char* about,
                    const char* out_help,
                    Job job,
                    const std::shared_ptr<Output>& output) {
  CLI::App* const command = data.add_subcommand(name, about);
  const std::shared_ptr<Source> source = AddSource(*command);
  if (*out_help != '\0') {
    command->add_option("--out", output->out, out_help)->required();
  }
  command->callback([&action, source, output, job] {
    action = [source, output, job] {
      return job(*source, *output);
    };
  });
  return command;
}

void AddGenerate(CLI::App& data, Action& action) {
  auto config = std::make_shared<GeneratorConfig>();
  auto out = std::make_shared<std::filesystem::path>();
  CLI::App* const command = data.add_subcommand(
      "generate",
      "Examples:\n  rondo-sim data generate --out synthetic/\n"
      "  rondo-sim data generate --users 1000 --typed --noise 0.5 --missing 0.3 --out shop/\n\n"
      "Makes a log with known structure.");
  command
      ->add_option(
          "--out", *out, "Folder for synthetic.inter, .item, .user, NAME.npy and truth.json")
      ->required();
  command->add_option("--users", config->users, "Users")->capture_default_str();
  command->add_option("--items", config->items, "Items")->capture_default_str();
  command->add_option("--interests", config->interests, "Latent interests")->capture_default_str();
  command->add_option("--events", config->events, "Mean events of a user")->capture_default_str();
  command->add_option("--sequential", config->sequential, "Chance that an event follows the ring")
      ->capture_default_str();
  command->add_option("--exploration", config->exploration, "Chance of any item")
      ->capture_default_str();
  command
      ->add_option(
          "--concentration", config->concentration, "Dirichlet parameter of users' interests")
      ->capture_default_str();
  command->add_flag("--typed", config->typed, "Name events view, buy and dislike");
  auto vectors = std::make_shared<VectorFlags>();
  command->add_option("--noise",
                      vectors->noise,
                      "Noise of all item vectors, whose prototypes have standard deviation 1; left "
                      "out, 0.3 for text, 0.6 for image, 1 for audio");
  command->add_option("--missing",
                      vectors->missing,
                      "Share of items without a vector, for each kind; left out, 0 for text, 0.2 "
                      "for image, 0.4 for audio");
  command->add_option("--seed", config->seed, "Seed")->capture_default_str();
  command->callback([&action, config, vectors, out] {
    action = [config, vectors, out] {
      return Generate(*config, *vectors, *out);
    };
  });
}

}  // namespace

void AddDataCommands(CLI::App& parent, Action& action) {
  CLI::App* const data = parent.add_subcommand("data", kHelp);
  data->require_subcommand(1);
  const auto output = std::make_shared<Output>();
  CLI::App* command = AddReader(
      *data,
      action,
      "import",
      "Examples:\n  rondo-sim data import ratings.csv --columns "
      "user=reviewer,item=asin,time=ts --out shop/\n\nWrites any log as RecBole atomic files.",
      "Folder of the new files",
      Import,
      output);
  command->add_option("--name", output->name, "Name of the new files")->default_val("data");
  command =
      AddReader(*data,
                action,
                "export",
                "Examples:\n  rondo-sim data export ml-100k/ --split leave_one_out --out split/\n\n"
                "Writes the training, validation and test rows and the catalogue.",
                "Folder of the new files",
                Export,
                output);
  command->add_option("--name", output->name, "Name of the new files")->default_val("data");
  command = AddReader(*data,
                      action,
                      "stats",
                      "Examples:\n  rondo-sim data stats ml-100k/\n  rondo-sim data stats ml-100k/ "
                      "--html report.html\n\n"
                      "Describes a data set.",
                      "",
                      Stats,
                      output);
  command->add_option("--html", output->html, "Also write a page with pictures");
  command->add_flag("--json", output->json, "Print one JSON object");
  AddReader(*data,
            action,
            "catalogue",
            "Examples:\n  rondo-sim data catalogue shop/ --out catalogue.tsv\n"
            "  rondo-sim data catalogue shop/ --split none --out catalogue.tsv\n\n"
            "Writes the item list of the training rows.",
            "The new catalogue.tsv",
            WriteCatalogue,
            output);
  AddReader(*data,
            action,
            "partition",
            "Examples:\n  rondo-sim data partition "
            "simulations/scenarios/ml-100k-institutions.toml --out clients/\n\n"
            "Writes one folder a client, and the catalogue.",
            "Folder of the clients",
            Partition,
            output);
  AddGenerate(*data, action);
}

}  // namespace rondo::sim
