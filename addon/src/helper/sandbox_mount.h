// The mounts of a request of operation `run` as checked, typed data.
#pragma once
#include "frame.h"
#include <cstdint>
#include <string>
#include <vector>

namespace tbuild {

enum class MountType {
  bind,   // a directory or file of this machine
  layers, // a merged tree of its own
  tmpfs,
  secret, // a file in memory that is never swapped out
  socket, // a socket in the job directory
};

struct SandboxMount {
  MountType type;
  std::string target; // absolute
  bool writable = false;
  // bind: an absolute path. layers: the directory of the job that takes what is written. socket: its name in the job.
  std::string source;
  // bind, layers: what of the source is mounted, resolved inside it. Empty: all of it.
  std::string path;
  std::vector<std::string> layers; // topmost first, each once
  uint64_t size = 0;               // tmpfs: bytes, 0 as the kernel has it
  uint32_t mode = 0, uid = 0, gid = 0;
  std::string content; // of a secret
};

// Reads `count` E frames, and the D frames behind those of secrets. Fails with EINVAL on anything malformed. Ends the
// worker when the peer is gone.
std::vector<SandboxMount> receive_mounts(Channel& channel, uint64_t count);

// Overwrites the secrets' bytes in this process.
void wipe_secrets(std::vector<SandboxMount>& mounts);

// The paths without repeats, the first of each kept.
std::vector<std::string> distinct_layers(const std::vector<std::string_view>& paths);

// Fails with EINVAL unless the path is absolute.
std::string absolute_path(std::string_view path, const char* what);

} // namespace tbuild
