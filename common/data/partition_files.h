#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

/// Name of a client's folder: its id where that may name a client of a federation, as 1 to 64 bytes
/// of A-Z a-z 0-9 . _ - without a dot in front. Else what is like it, with the start of the id's
/// SHA-256 to tell such names apart.
std::string ClientFolderName(const ClientId& id);

struct WrittenPartition {
  std::vector<ClientId> clients;    ///< in byte order
  std::filesystem::path catalogue;  ///< OUT/catalogue.tsv
  double validation_from =
      0.0;  ///< global_time: the cuts of the whole set, which clients must be told
  double test_from = 0.0;
};

/// Splits the data set of `config` into one folder a client, as the owners would hold it:
///
///   OUT/catalogue.tsv
///   OUT/<client>/data.inter   all rows of the client's users, in the order of the source file
///   OUT/<client>/data.user    their attributes, where the source has some
///
/// Users that LoadData leaves out are in no folder. With the same order, ties, split and seed (and
/// the cuts, for global_time) and this catalogue every client finds the same sequences as the whole
/// data set. Errors  those of LoadData and PartitionClients; kIo.
Result<WrittenPartition> WritePartition(const DataConfig& config, const std::filesystem::path& out);

}  // namespace rondo
