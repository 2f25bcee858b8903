// What systemd and the server say to one another (sd_notify(3), without its library). All of it does nothing where no
// manager asks.
#pragma once

#include <string_view>

namespace pratique::daemon {

// "READY=1", "RELOADING=1", "STOPPING=1", to the socket that $NOTIFY_SOCKET names. True when it was sent.
bool notify_manager(std::string_view state);

// Whether what is written to this descriptor is kept in the journal ($JOURNAL_STREAM): no place for a secret.
bool goes_to_journal(int descriptor);

}  // namespace pratique::daemon
