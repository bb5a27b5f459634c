// Symbolic names of errno values. strerrorname_np is glibc's alone.
#pragma once

namespace tbuild {

// "EUNKNOWN" for a value without a common name.
const char* errno_name(int error);

} // namespace tbuild
