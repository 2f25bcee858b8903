// Unpredictable bytes and names from the kernel (getrandom). Thread-safe; aborts if the kernel has none to give.
#pragma once

#include <cstddef>
#include <string>

namespace pratique {

std::string random_bytes(std::size_t count);
std::string random_hex(std::size_t bytes);  // 2 characters a byte
// `length` characters of an alphabet without look-alikes (no 0 O 1 l I); about 5.8 bits each.
std::string random_password(std::size_t length);
std::string random_uuid();  // RFC 4122 version 4

}  // namespace pratique
