// Takes operations from the control socket and gives each a process of its own.
#pragma once
#include "options.h"

namespace tbuild {

struct OperationError;

// Returns when the control socket ended and every worker, and whatever they left behind, is gone.
// With a start-up error it answers every operation with that.
void supervise(int control, const Options& options, const OperationError* start_error);

} // namespace tbuild
