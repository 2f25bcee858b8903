// The specification's error bodies (distribution-spec "Error Codes"). Private to the module.
#pragma once

#include <string_view>

#include "base/error.h"
#include "http/http.h"

namespace pratique::distribution {

// What was being asked for: decides the code an error kind becomes.
enum class Subject { Repository, Blob, Upload, Manifest, References };

http::Response problem(int status, std::string_view code, std::string_view message);
http::Response problem(const Error& error, Subject subject);

}  // namespace pratique::distribution
