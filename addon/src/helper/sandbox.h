// One command in namespaces on a stack of layers (operation `run` of addon/README.md).
#pragma once
#include "frame.h"

namespace tbuild {

// Runs to the end of the command or of the channel, sends progress, output and the result. Called in a worker.
void run_sandbox(const Fields& request, Channel& channel);

} // namespace tbuild
