// One entry of a layer, as its listing holds it (docs/store-listing.md).
#pragma once
#include "../common/xattrs.h"
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tbuild {

struct Entry {
  std::string path; // empty: the root
  char type = 'f';  // d f l c b p w
  bool parent = false, opaque = false;
  uint32_t mode = 0, uid = 0, gid = 0; // mode: 07777 bits
  int64_t mtime = 0;                   // of a parent: what its tar entry and the disk get, the listing has none
  uint64_t size = 0;
  std::array<uint8_t, 32> sha256{};
  uint32_t major = 0, minor = 0;
  std::string link; // target of a symlink
  std::string hard; // first path of the hard-link group; empty on that first itself
  std::vector<Xattr> xattrs;

  bool has_content() const { return type == 'f' && hard.empty(); }
};

// "a/b" is "a" and "b"; the parent of "b" is "".
inline std::string_view parent_of(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}
inline std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Gives each `parent` of the sorted entries the newest mtime of what is below it, 0 where nothing with a time is.
void set_parent_times(std::vector<Entry*>& entries);

} // namespace tbuild
