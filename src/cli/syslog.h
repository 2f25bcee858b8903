// Journal entries as syslog lines (RFC 5424), for the systems that collect those. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace pratique::cli {

// One line without its newline, whatever the entry holds. `host` is the gate's name.
std::string syslog_line(const Json& entry, std::string_view host);

}  // namespace pratique::cli
