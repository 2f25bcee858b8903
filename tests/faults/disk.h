// A disk that fails at a chosen step. A step is one call by which this process changes files: ours and SQLite's alike.
//
// The test program defines these calls itself (disk.cc), and the dynamic linker prefers a program's own definitions to
// those of a library, also for calls from within libsqlite3. So the product holds no hook, no branch and no build
// variant for this, and what is tested is what ships. One thread; arm() in the process that is to meet the fault.
#pragma once

#include <cstddef>
#include <string_view>

namespace pratique::faults {

enum class Fault {
  None,         // only counts
  ShortWrite,   // a write takes half of its bytes, once
  Interrupted,  // a write is interrupted by a signal, once
  Broken,       // EIO, once; for a sync: what was written may or may not be on the disk
  Full,         // ENOSPC from here on, for all that takes space
  DeadBefore,   // the process ends instead of the call
  DeadAfter,    // the process ends right after the call; of a write, half has been done (a torn write)
};
inline constexpr Fault kFaults[] = {Fault::ShortWrite, Fault::Interrupted, Fault::Broken,
                                    Fault::Full,       Fault::DeadBefore,  Fault::DeadAfter};
std::string_view to_string(Fault fault);

inline constexpr int kDeadExit = 77;

// From now on steps are counted; at the `step`th (from 1) the fault happens.
void arm(Fault fault, std::size_t step);
// How many steps there were since arm(). No fault happens any more.
std::size_t disarm();

}  // namespace pratique::faults
