#include "../common/directory.h"
#include "../common/open_beneath.h"
#include "../common/unique_fd.h"
#include "operations.h"
#include <cerrno>
#include <map>
#include <sys/stat.h>
#include <vector>

namespace tbuild {
namespace {

struct Linked {
  uint64_t bytes = 0, links = 0, seen = 0;
};

// One tree: what its directories and files with one link take on the disk, and each file with several links.
class Usage {
public:
  explicit Usage(Channel& channel) : channel_(channel) {}

  // What vanishes meanwhile is not counted.
  void add(const std::string& path) {
    struct stat status;
    UniqueFd root(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root.valid() || fstat(root.get(), &status) != 0) {
      if (errno != ENOENT)
        fail("open", errno, path);
      return;
    }
    bytes_ += static_cast<uint64_t>(status.st_blocks) * 512;
    std::vector<std::string> waiting = {"."};
    while (!waiting.empty()) {
      std::string directory = std::move(waiting.back());
      waiting.pop_back();
      add_directory(root.get(), directory, waiting);
    }
  }

  void send() {
    for (const auto& [inode, file] : linked_)
      channel_.send(FrameType::progress, FieldsOut()
                                             .add("event", "linked")
                                             .add("inode", static_cast<uint64_t>(inode))
                                             .add("bytes", file.bytes)
                                             .add("links", file.links)
                                             .add("seen", file.seen));
    channel_.send(FrameType::progress, FieldsOut().add("event", "tree").add("bytes", bytes_));
  }

private:
  void add_directory(int root, const std::string& path, std::vector<std::string>& waiting) {
    UniqueFd fd(open_beneath(root, path.c_str(), O_RDONLY | O_DIRECTORY, 0, resolve_beneath | RESOLVE_NO_XDEV));
    std::vector<DirectoryEntry> entries;
    if (!fd.valid() || read_directory(fd.get(), entries) != 0)
      return;
    for (const DirectoryEntry& entry : entries) {
      channel_.tick();
      struct stat status;
      if (fstatat(fd.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        continue;
      uint64_t bytes = static_cast<uint64_t>(status.st_blocks) * 512;
      if (S_ISDIR(status.st_mode)) {
        bytes_ += bytes;
        waiting.push_back(path == "." ? entry.name : path + "/" + entry.name);
      } else if (status.st_nlink == 1) {
        bytes_ += bytes;
      } else {
        Linked& file = linked_[status.st_ino];
        file = {bytes, static_cast<uint64_t>(status.st_nlink), file.seen + 1};
      }
    }
  }

  Channel& channel_;
  uint64_t bytes_ = 0;
  std::map<ino_t, Linked> linked_; // by number: a tree is on one file system
};

} // namespace

void tree_usage(const Fields& request, Channel& channel) {
  for (std::string_view path : request.all("path")) {
    if (!path.starts_with('/'))
      fail("path", EINVAL, std::string(path), "not an absolute path");
    Usage usage(channel);
    usage.add(std::string(path));
    usage.send();
  }
  channel.send(FrameType::result, FieldsOut());
}

} // namespace tbuild
