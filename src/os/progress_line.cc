#include "os/progress_line.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"

namespace pratique::os {

namespace {

constexpr std::size_t kBarColumns = 20;
// A rate over less than this says more about buffers than about the work.
constexpr std::chrono::milliseconds kRateMeaningful{200};

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

// One column a code point: what we print holds no wide characters.
std::size_t columns_of(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues_character));
}

std::string cut_to(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (!continues_character(text[end]) && ++seen >= columns) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string bar(const ProgressView& view) {
  auto share = static_cast<double>(std::min(view.done, view.total)) / static_cast<double>(view.total);
  auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarColumns));
  std::string head = filled < kBarColumns ? ">" : "";
  return format("[{}{}{}]", std::string(filled, '='), head, std::string(kBarColumns - filled - head.size(), ' '));
}

std::string rate(const ProgressView& view) {
  if (view.elapsed < kRateMeaningful || view.done == 0) return "";
  auto seconds = std::chrono::duration<double>(view.elapsed).count();
  auto per_second = static_cast<std::uint64_t>(static_cast<double>(view.done) / seconds);
  return format("{}/s", view.unit.empty() ? human_bytes(per_second) : format("{}", per_second));
}

std::string count(const ProgressView& view, std::uint64_t done) {
  return view.unit.empty() ? human_bytes(done) : format("{}", done);
}

std::string amount(const ProgressView& view) {
  std::string so_far =
      view.total == 0 ? count(view, view.done) : format("{} / {}", count(view, view.done), count(view, view.total));
  return view.unit.empty() ? so_far : format("{} {}", so_far, view.unit);
}

}  // namespace

std::string progress_line(const ProgressView& view, int columns) {
  auto room = static_cast<std::size_t>(std::max(columns - 1, 1));  // the last column would wrap on some terminals
  auto speed = rate(view);
  std::string full = format("  {}", amount(view));
  std::string with_rate = speed.empty() ? full : format("{}  {}", full, speed);
  std::string with_bar = view.total == 0 ? with_rate : format("  {}{}", bar(view), with_rate);
  for (const auto& tail : {with_bar, with_rate, full}) {
    if (columns_of(view.what) + columns_of(tail) <= room) return std::string(view.what) + tail;
  }
  // The numbers stay: they are what moves.
  auto tail = columns_of(full) < room ? full : std::string();
  return cut_to(view.what, room - columns_of(tail)) + tail;
}

std::string progress_summary(const ProgressView& view, std::string_view outcome) {
  if (view.done == 0) return format("{}: {}", view.what, outcome);
  auto seconds = std::chrono::duration<double>(view.elapsed).count();
  auto speed = rate(view);
  return format("{}: {} ({}{}{} in {:.1f} s{}{})", view.what, outcome, count(view, view.done),
                view.unit.empty() ? "" : " ", view.unit, seconds, speed.empty() ? "" : ", ", speed);
}

}  // namespace pratique::os
