// Names that say which process made them, so that what a crash left can be told from what is in use.
#pragma once

#include <string>
#include <string_view>

namespace pratique::os {

// "<label>-<pid>-<start time>" of this process: a pid alone may belong to somebody else by now.
std::string owned_name(std::string_view label);
// True while the process that made the name runs. False for a name of any other form.
bool owner_is_alive(std::string_view name);

}  // namespace pratique::os
