// Directories below a root, opened without ever leaving it.
#pragma once
#include "../common/open_beneath.h"
#include "../common/unique_fd.h"
#include <linux/openat2.h>
#include <list>
#include <string>
#include <string_view>

namespace tbuild {

class Tree {
public:
  enum class Mounts { stay, cross };
  // `root` is an absolute path that the caller vouches for.
  explicit Tree(std::string root, Mounts mounts = Mounts::stay);

  int root() const { return root_.get(); }
  const std::string& root_path() const { return root_path_; }
  // An O_PATH descriptor of a directory ("" is the root); valid until six others were asked for. Fails with op `open`.
  int directory(std::string_view path);
  // Opens what is at `path`, never following a symlink. -1 with errno.
  int open(std::string_view path, uint64_t flags);
  // A path of the entry for the system calls that take no descriptor; its last component must not be followed.
  std::string proc_path(std::string_view path);
  // Directories were removed or replaced.
  void forget() { recent_.clear(); }

private:
  struct Recent {
    std::string path;
    UniqueFd fd;
  };
  std::string root_path_;
  UniqueFd root_;
  uint64_t resolve_;
  std::list<Recent> recent_;
};

// Refuses, with EINVAL, what could ever name something outside: absolute, empty, `.`, `..`, overlong components.
void check_path(std::string_view path);

// Refuses what no layer tar can hold: longer than PATH_MAX allows, or a last component that would delete another file
// there.
void check_layer_path(std::string_view path);

} // namespace tbuild
