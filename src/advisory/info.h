// The part of DatabaseInfo that is written into the file, as JSON. Private to advisory.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "advisory/advisory.h"

namespace pratique::advisory {

std::optional<SourceKind> parse_source_kind(std::string_view text);

std::string encode_info(const DatabaseInfo& info);
// Fills in sources, streams and newest. Corrupt for anything encode_info would not have written.
Status decode_info(std::string_view text, DatabaseInfo& info);

}  // namespace pratique::advisory
