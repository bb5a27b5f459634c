#include "tree.h"
#include "entry.h"
#include "frame.h"
#include <fcntl.h>

namespace tbuild {

constexpr size_t recent_limit = 8;

Tree::Tree(std::string root, Mounts mounts)
    : root_path_(std::move(root)), root_(::open(root_path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      resolve_(resolve_beneath | (mounts == Mounts::stay ? RESOLVE_NO_XDEV : 0)) {
  if (!root_.valid())
    fail("open", errno, root_path_);
}

int Tree::directory(std::string_view path) {
  if (path.empty())
    return root_.get();
  for (auto place = recent_.begin(); place != recent_.end(); ++place) {
    if (place->path == path) {
      recent_.splice(recent_.begin(), recent_, place);
      return place->fd.get();
    }
  }
  std::string name(path);
  UniqueFd fd(open_beneath(root_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, resolve_));
  if (!fd.valid())
    fail("open", errno, name);
  if (recent_.size() == recent_limit)
    recent_.pop_back();
  int number = fd.get();
  recent_.push_front({std::move(name), std::move(fd)});
  return number;
}

int Tree::open(std::string_view path, uint64_t flags) {
  if (path.empty())
    return open_beneath(root_.get(), ".", flags, 0, resolve_);
  std::string name(name_of(path));
  return open_beneath(directory(parent_of(path)), name.c_str(), flags | O_NOFOLLOW, 0, resolve_);
}

std::string Tree::proc_path(std::string_view path) {
  std::string place = "/proc/self/fd/" + std::to_string(directory(parent_of(path)));
  return path.empty() ? place + "/." : place + "/" + std::string(name_of(path));
}

void check_path(std::string_view path) {
  auto refuse = [&](const char* why) { fail("path", EINVAL, std::string(path.substr(0, 4096)), why); };
  if (path.empty() || path.front() == '/')
    refuse("a path is empty or absolute");
  if (path.size() > 4095)
    refuse("a path is longer than 4095 bytes");
  for (std::string_view rest = path;;) {
    size_t slash = rest.find('/');
    std::string_view name = rest.substr(0, slash);
    if (name.empty() || name == "." || name == "..")
      refuse("a path has an empty, . or .. component");
    if (name.size() > 255)
      refuse("a name is longer than 255 bytes");
    if (slash == std::string_view::npos)
      return;
    rest.remove_prefix(slash + 1);
  }
}

void check_layer_path(std::string_view path) {
  if (path.size() > 4095)
    fail("name", ENAMETOOLONG, std::string(path.substr(0, 200)) + "…", "a path is longer than 4095 bytes");
  if (name_of(path).starts_with(".wh."))
    fail("name", EINVAL, std::string(path), "a name that begins with .wh. marks a deleted file in image layers");
}

} // namespace tbuild
