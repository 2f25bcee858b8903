// Result<T>: a value or an Error, and TRY to pass the error on.
//
//   Result<Manifest> read(…) {
//     auto bytes = TRY(store.read(digest));      // returns the error to our caller
//     return parse_manifest(bytes);
//   }
//
// Status is Result<void>. Reading the value of a failed Result aborts: it is our bug. As thread-safe as T.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace pratique {

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->checked(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->checked(); }

  const Error& error() const& {
    CHECK(!ok(), "error() of a Result that holds a value");
    return *std::get_if<1>(&state_);
  }
  // The value, or `fallback` for any error. Only where the fallback is the closed answer.
  T value_or(T fallback) && { return ok() ? std::move(checked()) : std::move(fallback); }
  // The same outcome, an error prefixed with what was being done.
  Result with_context(std::string_view doing) && {
    if (ok()) return std::move(*this);
    return Result(error().with_context(doing));
  }

 private:
  T& checked() {
    CHECK(ok(), ok() ? "" : std::get_if<1>(&state_)->message());
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    CHECK(!ok(), "error() of a Status that is ok");
    return *error_;
  }
  void value() const { CHECK(ok(), ok() ? "" : error_->message()); }
  Result with_context(std::string_view doing) && {
    if (ok()) return Result();
    return Result(error_->with_context(doing));
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

namespace result_detail {
template <typename T>
T take(Result<T>&& result) {
  return std::move(result).value();
}
inline void take(Result<void>&&) {}
}  // namespace result_detail

}  // namespace pratique

// The value of a Result expression; on error, returns that error from the enclosing function. Each use names its own
// variable, so that one TRY may stand inside another.
#define TRY(...) TRY_UNIQUE_(__COUNTER__, __VA_ARGS__)
#define TRY_UNIQUE_(count, ...) TRY_NAMED_(count, __VA_ARGS__)
#define TRY_NAMED_(count, ...)                                      \
  __extension__({                                                   \
    auto try_result_##count = (__VA_ARGS__);                        \
    if (!try_result_##count.ok()) [[unlikely]]                      \
      return ::pratique::Error(try_result_##count.error());         \
    ::pratique::result_detail::take(std::move(try_result_##count)); \
  })
