#include "control/aws_guard.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"

namespace pratique::control {

namespace {

// What attackers can fill; then everything starts anew, which lets a few more failures have their full answer.
constexpr std::size_t kFailuresKept = 20'000;
constexpr std::size_t kBucketsKept = 20'000;
// Only right signatures get in here: some 20 a second for the whole window. The oldest go first.
constexpr std::size_t kUsesKept = 100'000;

}  // namespace

bool AwsGuard::note_failure(std::string_view address, std::string_view access_key_id, Time now) {
  auto state = state_.lock();
  const bool by_address = count_failure(*state, format("address {}", address), now);
  const bool by_key = !access_key_id.empty() && count_failure(*state, format("key {}", access_key_id), now);
  return by_address || by_key;
}

bool AwsGuard::count_failure(State& state, std::string who, Time now) {
  if (state.failures.size() >= kFailuresKept && !state.failures.contains(who)) state.failures.clear();
  auto& failures = state.failures[std::move(who)];
  if (failures.count == 0 || now - failures.since > kFailureWindow) failures = {.count = 0, .since = now};
  return ++failures.count > kFailuresMax;
}

std::optional<seconds> AwsGuard::take_token(std::string_view access_key_id, Time now) {
  auto state = state_.lock();
  if (state->buckets.size() >= kBucketsKept && !state->buckets.contains(access_key_id)) state->buckets.clear();
  auto& bucket = state->buckets.try_emplace(std::string(access_key_id), Bucket{.filled = now}).first->second;
  const double passed = std::max(0.0, static_cast<double>((now - bucket.filled).count()) / 1e6);
  bucket.tokens = std::min(kTokenBurst, bucket.tokens + passed * kTokensPerSecond);
  bucket.filled = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  return seconds(static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) / kTokensPerSecond)));
}

bool AwsGuard::is_replay(std::string_view signature, std::string_view address, Time now) {
  auto state = state_.lock();
  while (!state->use_order.empty() &&
         (state->use_order.front().first + kReplayWindow < now || state->use_order.size() > kUsesKept)) {
    state->uses.erase(state->use_order.front().second);
    state->use_order.pop_front();
  }
  auto [use, is_new] = state->uses.try_emplace(std::string(signature), Use{std::string(address), now});
  if (is_new) state->use_order.emplace_back(now, use->first);
  return use->second.address != address;
}

}  // namespace pratique::control
