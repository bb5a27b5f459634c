// Places to mount on that the root does not have. They come from a lower layer of their own, so that nothing is written
// to the upper directory.
#pragma once
#include <string>
#include <vector>

namespace tbuild {

struct MountPoint {
  std::string path; // absolute, as asked for
  bool directory;
};

// Those that do not exist in `root`, with their paths resolved inside it as far as it goes.
std::vector<MountPoint> missing_mount_points(int root, const std::vector<MountPoint>& points);

// Makes the directory `name` in `where` as a lower layer that holds the points, with the attributes that existing
// directories above them have in `root`.
void make_stub_layer(int root, int where, const char* name, const std::vector<MountPoint>& missing);

} // namespace tbuild
