// The extended attributes that layers carry: security.capability, user.* and system.posix_acl_*.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tbuild {

struct Xattr {
  std::string name;
  std::string value;
  bool operator==(const Xattr&) const = default;
};

// What overlayfs noted about an inode of an upper directory (`user.overlay.*`, option userxattr).
struct OverlayMarks {
  bool opaque = false;
  bool foreign_content = false; // redirect or metacopy: the content is elsewhere
};

bool is_layer_xattr(std::string_view name);

// A revision 3 security.capability (one that a user namespace wrote) becomes revision 2, which means the same in an
// image.
std::string normalised_xattr(std::string_view name, std::string value);

// Reads them sorted by name into `out`; returns 0 or an errno (a file system without xattrs has none). With `marks` the
// inode belongs to an upper directory: `user.overlay.overlay.X` reads as `user.overlay.X`, and overlayfs's own are
// marks.
int read_xattrs(int fd, std::vector<Xattr>& out, OverlayMarks* marks);
// The same of a path, whose last component is not followed.
int read_xattrs(const std::string& path, std::vector<Xattr>& out, OverlayMarks* marks);

} // namespace tbuild
