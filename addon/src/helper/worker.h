// One operation, in a process of its own.
#pragma once
#include "../common/unique_fd.h"
#include "frame.h"
#include "options.h"

namespace tbuild {

[[noreturn]] void work(UniqueFd socket, pid_t supervisor, const Options& options, const OperationError* start_error);

} // namespace tbuild
