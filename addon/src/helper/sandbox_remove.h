// Removes a small tree that only the kernel has written to.
#pragma once

namespace tbuild {

// Follows no symlink. What is absent is fine; fails with OperationError otherwise.
void remove_sandbox_tree(int dir, const char* name);

} // namespace tbuild
