#include "gate/workers.h"

#include "base/log.h"

namespace pratique::gate {

namespace {

// Tried this often at once, then left until try_all_again(): a full disk is not cured by trying harder.
constexpr int kAttemptsMax = 3;
// Two steps lead from a push to a verdict; a state that changes under us gives one more look each.
constexpr int kStepsMax = 6;

Status advance(const Context& context, std::int64_t number) {
  for (int step = 0; step < kStepsMax; ++step) {
    auto row = TRY(context.database.read([&](db::Transaction& tx) { return load(tx, number); }));
    Status outcome;
    switch (row.submission.state) {
      case State::Staged:
        outcome = scan_submission(context, number);
        break;
      case State::Scanned:
        outcome = decide_submission(context, number);
        break;
      default:
        return {};
    }
    if (!outcome.ok() && outcome.error().kind() != ErrorKind::Conflict) return outcome;
  }
  return conflict("its state does not settle");
}

}  // namespace

Workers::Workers(const Context& context, std::size_t threads) : context_(context) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Workers::notify() {
  {
    std::lock_guard lock(mutex_);
    ++generation_;
  }
  changed_.notify_all();
}

void Workers::try_all_again() {
  {
    std::lock_guard lock(mutex_);
    failures_.clear();
  }
  notify();
}

std::uint64_t Workers::generation() {
  std::lock_guard lock(mutex_);
  return generation_;
}

bool Workers::wait_beyond(std::uint64_t seen, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [&] { return generation_ > seen; });
}

void Workers::run() {
  std::uint64_t seen = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_stopping_ || generation_ > seen; });
      if (is_stopping_) return;
      seen = generation_;
    }
    while (auto number = claim()) release(number, advance(context_, number));
  }
}

std::int64_t Workers::claim() {
  // The question and the claim are one step, or two workers would take the same submission.
  std::lock_guard lock(mutex_);
  if (is_stopping_) return 0;
  auto passed_over = claimed_.size() + failures_.size();
  auto open = context_.database.read([&](db::Transaction& tx) { return unfinished(tx, passed_over + 1); });
  if (!open.ok()) {
    log::error("unfinished submissions unreadable", {{"reason", open.error().message()}});
    return 0;
  }
  for (auto number : *open) {
    auto failed = failures_.find(number);
    if (failed != failures_.end() && failed->second >= kAttemptsMax) continue;
    if (claimed_.insert(number).second) return number;
  }
  return 0;
}

void Workers::release(std::int64_t number, const Status& outcome) {
  std::lock_guard lock(mutex_);
  claimed_.erase(number);
  if (outcome.ok()) {
    failures_.erase(number);
    return;
  }
  auto attempts = ++failures_[number];
  log::error("submission stuck", {{"number", number}, {"attempt", attempts}, {"reason", outcome.error().message()}});
}

}  // namespace pratique::gate
