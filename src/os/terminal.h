// What the person sees: colour where it is wanted, and a progress bar on a terminal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pratique::os {

enum class Style { Plain, Bold, Dim, Red, Yellow, Green, Cyan };

bool is_terminal(int fd);
// A terminal, NO_COLOR unset and TERM not "dumb".
bool wants_colour(int fd);
int terminal_columns(int fd);  // 80 where unknown
std::string styled(Style style, std::string_view text, bool colour);

// A line on stderr that is redrawn in place: "pushing sha256:…  [=====>    ] 61.2 MiB / 170 MiB  34 MiB/s".
// Where stderr is no terminal it prints one line at the end of each task instead. Thread-safe.
class Progress {
 public:
  explicit Progress(bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // `total` 0: unknown. `unit` is what is counted, such as "packages"; "" counts bytes.
  void begin(std::string_view what, std::uint64_t total, std::string_view unit = {});
  void advance(std::uint64_t by);
  void end(std::string_view outcome = "done");

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pratique::os
