// The looks of a directory, for one that stands in its place.
#pragma once
#include <string>

namespace tbuild {

// Gives the directory `to`, which overlayfs will merge, the owner, mode, times and extended attributes that `from` has
// in a merged tree. `op` and `path` are for errors.
void copy_directory_attributes(int from, int to, const std::string& op, const std::string& path);

} // namespace tbuild
