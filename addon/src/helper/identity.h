// The user and mount namespaces that the helper lives in.
#pragma once
#include "options.h"

namespace tbuild {

// Enters them and becomes id 0 of the namespace. Fails with OperationError `start`.
void enter_namespaces(const Options& options);

// The contents of /proc/self/uid_map or gid_map as `INSIDE OUTSIDE COUNT[,…]`.
std::string read_id_map(const char* path);

} // namespace tbuild
