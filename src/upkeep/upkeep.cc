#include "upkeep/upkeep.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/format.h"
#include "base/guarded.h"
#include "base/log.h"

namespace pratique::upkeep {

namespace {

using SteadyClock = std::chrono::steady_clock;

// How late a scheduled run may begin.
constexpr milliseconds kTick{1'000};
// A rest is never longer than this: a step that had to wait for a busy disk must not stop the work for good.
constexpr milliseconds kRestMax{500};

// One job with its thread: asked for or due, stepped until done. The state is copied out under the mutex, the steps run
// outside of it.
template <typename State>
struct Runner {
  std::mutex mutex;
  std::condition_variable_any changed;
  State state;             // guarded by mutex
  bool is_wanted = false;  // guarded by mutex
  std::jthread thread;

  State look(milliseconds patience) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, patience, [&] { return !state.is_running; });
    return state;
  }
  template <typename F>
  Status ask(F&& prepare, Time now) {
    std::lock_guard lock(mutex);
    if (state.is_running) return conflict("a run goes on already; look at that one, or ask again when it has ended");
    state = State();
    prepare(state.run);
    state.is_running = is_wanted = true;
    state.started = now;
    changed.notify_all();
    return {};
  }
  void ask_unless_running(Time now) {
    static_cast<void>(ask([](auto&) {}, now).ok());  // Conflict: somebody has asked just now
  }
  void publish(const decltype(State::run)& run) {
    std::lock_guard lock(mutex);
    state.run = run;
  }
  void finish(const decltype(State::run)& run, const Status& status, Time now) {
    std::lock_guard lock(mutex);
    state.run = run;
    state.is_running = false;
    state.ended = now;
    state.problem = status.ok() ? "" : status.error().message();
    changed.notify_all();
  }
  // Until `until`, or the end of the program: then false.
  bool rest(const std::stop_token& stop, SteadyClock::time_point until) {
    std::unique_lock lock(mutex);
    changed.wait_until(lock, stop, until, [] { return false; });
    return !stop.stop_requested();
  }
  // Waits for a wish or for its time; false at the end of the program.
  bool wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, kTick, [&] { return is_wanted; });
    return !stop.stop_requested();
  }
  bool take_wish() {
    std::lock_guard lock(mutex);
    return std::exchange(is_wanted, false);
  }
};

}  // namespace

struct Upkeep::Impl {
  registry::Registry& registry;
  const Clock& clock;
  const Options options;
  Runner<CollectionJob> collector;
  Runner<ScrubJob> scrubber;
  Guarded<Totals> totals;

  void collect_loop(const std::stop_token& stop);
  void scrub_loop(const std::stop_token& stop);
  void run_collection(const std::stop_token& stop);
  void run_scrub(const std::stop_token& stop);
};

Upkeep::Upkeep(registry::Registry& registry, const Clock& clock, Options options)
    : impl_(new Impl{
          .registry = registry, .clock = clock, .options = options, .collector = {}, .scrubber = {}, .totals = {}}) {
  impl_->collector.thread = std::jthread([impl = impl_.get()](const std::stop_token& s) { impl->collect_loop(s); });
  impl_->scrubber.thread = std::jthread([impl = impl_.get()](const std::stop_token& s) { impl->scrub_loop(s); });
}

Upkeep::~Upkeep() {
  impl_->collector.thread.request_stop();
  impl_->scrubber.thread.request_stop();
  impl_->collector.thread.join();
  impl_->scrubber.thread.join();
}

Totals Upkeep::totals() const {
  return *impl_->totals.lock();
}

const Options& Upkeep::options() const {
  return impl_->options;
}

Status Upkeep::start_collection(bool is_dry_run) {
  return impl_->collector.ask([&](registry::Collection& run) { run.is_dry_run = is_dry_run; }, impl_->clock.now());
}

Status Upkeep::start_scrub() {
  return impl_->scrubber.ask([](registry::Scrub&) {}, impl_->clock.now());
}

CollectionJob Upkeep::collection(milliseconds patience) {
  return impl_->collector.look(patience);
}

ScrubJob Upkeep::scrub(milliseconds patience) {
  return impl_->scrubber.look(patience);
}

void Upkeep::Impl::collect_loop(const std::stop_token& stop) {
  // What a crash left goes at the start, without anybody waiting for it.
  Time due = clock.now();
  while (collector.wait(stop)) {
    bool is_due = options.collect_every > seconds(0) && clock.now() >= due;
    if (is_due) collector.ask_unless_running(clock.now());
    if (!collector.take_wish()) continue;
    run_collection(stop);
    due = clock.now() + options.collect_every;
  }
}

void Upkeep::Impl::run_collection(const std::stop_token& stop) {
  auto run = collector.look(milliseconds(0)).run;
  Status status;
  while (status.ok() && !run.is_done() && !stop.stop_requested()) {
    const auto begun = SteadyClock::now();
    status = registry.collect(run);
    const auto now = SteadyClock::now();
    collector.publish(run);
    if (!collector.rest(stop, now + std::min<SteadyClock::duration>(now - begun, kRestMax))) break;
  }
  if (!run.is_dry_run) {
    auto sums = totals.lock();
    ++sums->collections;
    sums->blobs_freed += run.blobs;
    sums->bytes_freed += run.bytes;
  }
  collector.finish(run, status, clock.now());
  if (!status.ok()) {
    log::error("collection failed", {{"stage", run.stage}, {"error", status.error().message()}});
  } else if (run.manifests + run.links + run.blobs + run.uploads + run.temporaries > 0) {
    log::info(run.is_dry_run ? "collection tried" : "collection finished", {{"manifests", run.manifests},
                                                                            {"links", run.links},
                                                                            {"blobs", run.blobs},
                                                                            {"bytes", run.bytes},
                                                                            {"uploads", run.uploads},
                                                                            {"temporaries", run.temporaries}});
  }
}

void Upkeep::Impl::scrub_loop(const std::stop_token& stop) {
  Time due = clock.now();
  while (scrubber.wait(stop)) {
    bool is_due = options.scrub_every > seconds(0) && clock.now() >= due;
    if (is_due) scrubber.ask_unless_running(clock.now());
    if (!scrubber.take_wish()) continue;
    run_scrub(stop);
    due = clock.now() + options.scrub_every;
  }
}

void Upkeep::Impl::run_scrub(const std::stop_token& stop) {
  auto run = scrubber.look(milliseconds(0)).run;
  auto allowed = SteadyClock::now();
  const auto rate = static_cast<double>(options.scrub_bytes_per_second);
  auto pace = [&](std::size_t bytes) {
    if (options.scrub_bytes_per_second == 0) return !stop.stop_requested();
    const std::chrono::duration<double> worth(static_cast<double>(bytes) / rate);
    // What was not used is not saved up: a burst would be what the rate is there to prevent.
    allowed = std::max(allowed, SteadyClock::now()) + std::chrono::duration_cast<SteadyClock::duration>(worth);
    return scrubber.rest(stop, allowed);
  };
  Status status;
  while (status.ok() && !run.is_done && !stop.stop_requested()) {
    status = registry.scrub(run, pace);
    scrubber.publish(run);
  }
  {
    auto sums = totals.lock();
    sums->scrubs += run.is_done ? 1 : 0;
    sums->blobs_read += run.blobs;
    sums->bytes_read += run.bytes;
    sums->blobs_damaged += run.damaged;
  }
  scrubber.finish(run, status, clock.now());
  if (!status.ok() && !stop.stop_requested()) log::error("scrub failed", {{"error", status.error().message()}});
  if (run.is_done) log::info("scrub finished", {{"blobs", run.blobs}, {"bytes", run.bytes}, {"damaged", run.damaged}});
}

}  // namespace pratique::upkeep
