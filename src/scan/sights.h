// What the checklist asks of the merged file tree. Private to the module.
#pragma once

#include <map>
#include <utility>

#include "scan/scan.h"
#include "scan/tree.h"

namespace pratique::scan {

using ExtractsByEntry = std::map<std::pair<int, std::size_t>, const Extract*>;  // by layer and entry
Sights sights_of(const ImageTree& tree, const ExtractsByEntry& extracts);

}  // namespace pratique::scan
