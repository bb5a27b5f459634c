#include "merged_directory.h"
#include "../common/directory.h"
#include "frame.h"
#include <cerrno>
#include <fcntl.h>

namespace tbuild {
namespace {

void read_details(Tree& tree, int directory, const std::string& name, Entry& entry) {
  if (entry.type == 'l') {
    char target[4096];
    ssize_t size = readlinkat(directory, name.c_str(), target, sizeof target);
    if (size < 0)
      fail("readlink", errno, entry.path);
    entry.link.assign(target, static_cast<size_t>(size));
    return;
  }
  OverlayMarks marks;
  int error = read_xattrs(tree.proc_path(entry.path), entry.xattrs, &marks);
  if (error != 0)
    fail("getxattr", error, entry.path);
  entry.opaque = marks.opaque;
}

} // namespace

std::map<std::string, MergedEntry> merge_directory(const Layers& layers, const std::vector<size_t>& contributing,
                                                   const std::string& path) {
  struct State {
    MergedEntry entry;
    bool closed; // nothing of lower layers shows
  };
  std::map<std::string, State> states;
  for (size_t layer : contributing) {
    Tree& tree = *layers[layer];
    UniqueFd fd(tree.open(path, O_RDONLY | O_DIRECTORY));
    std::vector<DirectoryEntry> names;
    int error = fd.valid() ? read_directory(fd.get(), names) : errno;
    if (error != 0)
      fail("readdir", error, path);
    for (const DirectoryEntry& name : names) {
      auto known = states.find(name.name);
      if (known != states.end() && known->second.closed)
        continue;
      struct stat status;
      if (fstatat(fd.get(), name.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        fail("stat", errno, path + "/" + name.name);
      Found found = found_from(path.empty() ? name.name : path + "/" + name.name, status);
      if (found.entry.type != 'w' && found.entry.type != 0)
        read_details(tree, fd.get(), name.name, found.entry);
      bool is_directory = found.entry.type == 'd';
      bool closed = !is_directory || found.entry.opaque;
      if (known == states.end()) {
        State state{{std::move(found), layer, {}}, closed};
        if (is_directory)
          state.entry.layers.push_back(layer);
        states.emplace(name.name, std::move(state));
      } else {
        known->second.closed = closed;
        if (is_directory)
          known->second.entry.layers.push_back(layer);
      }
    }
  }
  std::map<std::string, MergedEntry> merged;
  for (auto& [name, state] : states) {
    char type = state.entry.found.entry.type;
    if (type != 'w' && type != 0)
      merged.emplace(name, std::move(state.entry));
  }
  return merged;
}

} // namespace tbuild
