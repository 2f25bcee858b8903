// The server's certificate and key as files that are replaced while it runs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "http/tls.h"

namespace pratique::http {

class Certificates {
 public:
  static Result<Certificates> load(const TlsFiles& files);
  const TlsFiles& files() const { return files_; }
  const TlsContext& current() const { return context_; }
  // Reads the pair again if either file is another one than at the last look. A pair that cannot be read leaves the old
  // one in use and is reported once: between two renames key and certificate do not belong together.
  void refresh();

 private:
  using Stamp = std::array<std::int64_t, 8>;
  Certificates(TlsFiles files, TlsContext context, Stamp stamp)
      : files_(std::move(files)), context_(std::move(context)), stamp_(stamp) {}
  static Stamp stamp_of(const TlsFiles& files);

  TlsFiles files_;
  TlsContext context_;
  Stamp stamp_;
};

}  // namespace pratique::http
