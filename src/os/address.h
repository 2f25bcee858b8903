// The text of a socket address.
#pragma once

#include <sys/socket.h>

#include <string>

namespace pratique::os {

// The address of an IPv4 or IPv6 socket, without its port. A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d; they
// are trusted, counted and logged under their own name.
std::string address_text(const sockaddr_storage& address);

}  // namespace pratique::os
