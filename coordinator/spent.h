#pragma once

#include <filesystem>

#include <boost/json/array.hpp>

#include "common/core/result.h"
#include "common/privacy/ledger.h"

/// The ledger on disk.
///
///     privacy.json := {"schema_version": 1, "spent": [{"rate", "noise", "releases"}, ...]}
namespace rondo::coordinator {

boost::json::array SpentJson(const PrivacyLedger& ledger);

/// Throws what Boost.JSON does for another shape.
/// Errors  kInvalidArgument for numbers that no release has.
Result<PrivacyLedger> LedgerOf(const boost::json::array& spent);

/// On disk when it returns; a crash leaves the old ledger or the new one.
/// Errors  kIo.
Status WriteSpent(const std::filesystem::path& file, const PrivacyLedger& ledger);

/// The ledger of a federation that goes on from a checkpoint which knows `known`.
/// Errors  kCorrupt; kFailedPrecondition if the file is gone or has fewer releases than the
/// checkpoint.
Result<PrivacyLedger> ReadSpent(const std::filesystem::path& file, const PrivacyLedger& known);

}  // namespace rondo::coordinator
