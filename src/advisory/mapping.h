// A file's bytes, mapped read-only. Private to advisory.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace pratique::advisory {

class Mapping {
 public:
  // NotFound, or Limit beyond `bytes_max`. The file must not shrink while mapped: databases are replaced by rename.
  static Result<Mapping> open(const std::string& path, std::uint64_t bytes_max);
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  Mapping(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pratique::advisory
