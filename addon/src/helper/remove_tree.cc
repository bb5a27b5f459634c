#include "remove_tree.h"
#include "../common/directory.h"
#include "../common/open_beneath.h"
#include "../common/unique_fd.h"
#include "entry.h"
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <optional>
#include <unistd.h>

namespace tbuild {
namespace {

// Below this depth directories are first moved up, so that neither descriptors nor the stack limit what can be removed.
constexpr int deepest = 64;

// A sandbox whose builder was killed writes until it is dead as well, and what it writes may come behind the pass that
// emptied the directory.
constexpr int passes = 50;
constexpr useconds_t pause_us = 10'000;

class Remover {
public:
  explicit Remover(Channel& channel) : channel_(channel) {}

  void remove(int parent, const std::string& name, const std::string& path) {
    for (int pass = 1;; pass++) {
      failure_.reset();
      remove_once(parent, name, path);
      if (!failure_ || failure_->error != ENOTEMPTY || pass == passes)
        return;
      usleep(pause_us);
      channel_.leave_if_cancelled();
    }
  }

  void report() {
    if (failure_)
      throw OperationError(*failure_);
  }

private:
  void remove_once(int parent, const std::string& name, const std::string& path) {
    if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT)
      return;
    if (errno != EISDIR)
      return note("unlink", errno, path);
    UniqueFd fd = open_directory(parent, name, path);
    if (!fd.valid())
      return;
    top_ = fd.get();
    do {
      moved_up_ = false;
      empty(fd.get(), path, 0);
    } while (moved_up_ && !failure_);
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      note("rmdir", errno, path);
  }

  UniqueFd open_directory(int parent, const std::string& name, const std::string& path) {
    int fd =
        open_beneath(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve_beneath | RESOLVE_NO_XDEV);
    if (fd < 0)
      note("open", errno, path);
    return UniqueFd(fd);
  }

  void empty(int directory, const std::string& path, int depth) {
    std::vector<DirectoryEntry> entries;
    lseek(directory, 0, SEEK_SET); // the topmost is read again after each round
    int error = read_directory(directory, entries);
    if (error != 0)
      note("readdir", error, path);
    for (const DirectoryEntry& entry : entries) {
      channel_.tick();
      if (entry.type != DT_DIR) {
        if (unlinkat(directory, entry.name.c_str(), 0) == 0 || errno == ENOENT)
          continue;
        if (errno != EISDIR) {
          note("unlink", errno, path + "/" + entry.name);
          continue;
        }
      }
      remove_directory(directory, entry.name, path + "/" + entry.name, depth + 1);
    }
  }

  void remove_directory(int parent, const std::string& name, const std::string& path, int depth) {
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
      return;
    if (depth > deepest) {
      std::string place = ".tbuild-removing-" + std::to_string(moved_++);
      if (renameat(parent, name.c_str(), top_, place.c_str()) != 0)
        note("rename", errno, path);
      else
        moved_up_ = true;
      return;
    }
    UniqueFd fd = open_directory(parent, name, path);
    if (!fd.valid())
      return;
    empty(fd.get(), path, depth);
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      note("rmdir", errno, path);
  }

  void note(const char* op, int error, const std::string& path) {
    if (!failure_)
      failure_ = OperationError{op, error, path.substr(0, 4096), {}};
  }

  Channel& channel_;
  std::optional<OperationError> failure_;
  int top_ = -1;
  bool moved_up_ = false;
  unsigned long moved_ = 0;
};

} // namespace

void remove_tree(int parent, const std::string& name, const std::string& path, Channel& channel) {
  Remover remover(channel);
  remover.remove(parent, name, path);
  remover.report();
}

void remove_path(const std::string& path, Channel& channel) {
  std::string name(name_of(path));
  if (path.empty() || path.front() != '/' || name.empty() || name == "." || name == "..")
    fail("path", EINVAL, path, "not an absolute path of something that can be removed");
  std::string parent(parent_of(path));
  UniqueFd fd(open(parent.empty() ? "/" : parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT)
      return;
    fail("open", errno, parent);
  }
  remove_tree(fd.get(), name, path, channel);
}

} // namespace tbuild
