// Executes this program again from a sealed copy in memory.
#pragma once

namespace tbuild {

// Nothing inside a sandbox can then ever write to the helper's file, even through /proc/PID/exe. Adds `--ready` to the
// arguments. Returns only by failing.
[[noreturn]] void execute_sealed_copy(int argc, char** argv);

} // namespace tbuild
