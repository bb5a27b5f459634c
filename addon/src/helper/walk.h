// Everything in an upper directory, sorted by path.
#pragma once
#include "entry.h"
#include "frame.h"
#include "tree.h"
#include <sys/stat.h>

namespace tbuild {

struct Found {
  Entry entry; // without content digest and, for regular files, without xattrs
  dev_t device = 0;
  ino_t inode = 0;
  nlink_t links = 1;
  long mtime_ns = 0; // below the second
};

// The first is the root. Sockets are left out. Fails with `walk` on what overlayfs keeps elsewhere (redirects,
// metacopy).
std::vector<Found> walk(Tree& tree, Channel& channel);

// From what lstat says; type 0 for a socket.
Found found_from(std::string path, const struct stat& status);

} // namespace tbuild
