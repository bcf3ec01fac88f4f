#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "client/settings.h"
#include "client/signal.h"

namespace rondo::client {

/// Renews the certificate over a connection of its own that shows the present one: the key stays,
/// the file is replaced. Errors  those of the files and the connection; what the coordinator
/// refuses with.
Task<Status> RenewCertificate(boost::asio::any_io_executor executor,
                              const Settings& settings,
                              TimePoint deadline);

/// Renews the certificate of a client that takes part once two thirds of its life are over, and
/// tries again every hour until it has worked. Confined to the executor.
class Renewal {
 public:
  /// `settings` outlives it.
  Renewal(boost::asio::any_io_executor executor, const Settings& settings)
      : executor_(std::move(executor)),
        settings_(settings),
        wake_(executor_) {}

  Task<void> Run();

  /// Run then ends soon.
  void Stop();

 private:
  boost::asio::any_io_executor executor_;
  const Settings& settings_;
  Signal wake_;
  bool stopped_ = false;
};

}  // namespace rondo::client
