// An object library needs one source; the precompiled header hangs on it.
