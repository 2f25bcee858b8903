// What the files of gate.h's class share. Private to the module.
#pragma once

#include "gate/keeping.h"
#include "gate/lifecycle/lifecycle.h"
#include "gate/workers.h"

namespace pratique::gate {

struct Gate::Impl {
  explicit Impl(Context borrowed);

  // Reads in one transaction.
  template <typename F>
  auto read(F&& body) {
    return context.database.read(std::forward<F>(body));
  }
  Result<Submission> current(std::int64_t number);
  Result<Row> row_of(const std::string& id);
  Result<Submission> await_verdict(const std::function<Result<Row>(db::Transaction&)>& find,
                                   std::chrono::milliseconds wait);

  Context context;
  Pressure pressure;
  Workers workers;
};

}  // namespace pratique::gate
