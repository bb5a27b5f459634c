#include "sandbox_remove.h"
#include "../common/unique_fd.h"
#include "frame.h"
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

namespace tbuild {

void remove_sandbox_tree(int dir, const char* name) {
  const char* op = "remove the work directory";
  if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
    return;
  if (errno != EISDIR)
    fail(op, errno, name);
  UniqueFd fd(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // overlayfs leaves its own work directory without any permission bits.
  if (!fd.valid() && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
    fd.reset(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid())
    fail(op, errno, name);
  std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(dup(fd.get())), closedir);
  if (!entries)
    fail(op, errno, name);
  while (dirent* entry = readdir(entries.get())) {
    std::string child = entry->d_name;
    if (child != "." && child != "..")
      remove_sandbox_tree(fd.get(), child.c_str());
  }
  if (unlinkat(dir, name, AT_REMOVEDIR) != 0)
    fail(op, errno, name);
}

} // namespace tbuild
