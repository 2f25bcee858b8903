// Copies shown on the terminal.
#pragma once

#include "os/terminal.h"
#include "transport/transport.h"

namespace pratique::cli {

class ShownProgress final : public transport::CopyProgress {
 public:
  void begin(const std::string& what, std::uint64_t bytes) override { line_.begin(what, bytes); }
  void advance(std::uint64_t bytes) override { line_.advance(bytes); }
  void end(const std::string& outcome) override { line_.end(outcome); }

 private:
  os::Progress line_;
};

}  // namespace pratique::cli
