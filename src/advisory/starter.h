// The facts embedded in the program. Private to advisory.
#pragma once

#include "advisory/advisory.h"
#include "advisory/writer.h"

namespace pratique::advisory {

// Adds every advisory of the starter set and gives its description.
SourceInfo add_starter(Writer& writer);

}  // namespace pratique::advisory
