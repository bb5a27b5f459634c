#include "attributes.h"
#include "file_copier.h"
#include "merged_directory.h"
#include "operations.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/sysmacros.h>

namespace tbuild {
namespace {

class Exporter {
public:
  Exporter(const Fields& request, Channel& channel)
      : channel_(channel), destination_(std::string(request.get("destination"))),
        copier_(channel, destination_, request.all("layer"), target_) {
    for (std::string_view path : request.all("layer"))
      layers_.push_back(std::make_unique<Tree>(std::string(path)));
  }

  void run() {
    std::vector<size_t> all;
    for (size_t i = 0; i < layers_.size(); i++)
      all.push_back(i);
    directory("", all);
    channel_.send(FrameType::result, FieldsOut().add("not-set", target_.not_set).add("size", size_));
  }

private:
  void directory(const std::string& path, const std::vector<size_t>& contributing) {
    for (auto& [name, merged] : merge_directory(layers_, contributing, path)) {
      channel_.tick();
      Entry& entry = merged.found.entry;
      if (entry.type == 'd')
        subdirectory(entry, merged.layers);
      else if (!link_to_earlier(merged))
        make(merged);
    }
  }

  void subdirectory(const Entry& entry, const std::vector<size_t>& contributing) {
    std::string name(name_of(entry.path));
    if (mkdirat(destination_.directory(parent_of(entry.path)), name.c_str(), 0700) != 0)
      fail("mkdir", errno, entry.path);
    directory(entry.path, contributing);
    UniqueFd fd(destination_.open(entry.path, O_RDONLY | O_DIRECTORY));
    if (!fd.valid())
      fail("open", errno, entry.path);
    set_attributes(fd.get(), entry, false, target_);
    set_time(fd.get(), entry);
  }

  // True when another name of the same file was exported before.
  bool link_to_earlier(const MergedEntry& merged) {
    const Found& found = merged.found;
    if (found.links < 2)
      return false;
    auto [place, is_first] = links_.try_emplace({merged.layer, found.inode}, found.entry.path);
    if (is_first)
      return false;
    std::string from(name_of(place->second)), to(name_of(found.entry.path));
    int from_parent = destination_.directory(parent_of(place->second));
    if (linkat(from_parent, from.c_str(), destination_.directory(parent_of(found.entry.path)), to.c_str(), 0) == 0)
      return true;
    if (errno != ENOENT) // the first was a device that could not be made
      fail("link", errno, found.entry.path);
    return false;
  }

  void make(MergedEntry& merged) {
    Entry& entry = merged.found.entry;
    if (entry.type == 'f') {
      CopySource source;
      source.root = merged.layer;
      source.path = entry.path;
      source.digest_known = true; // nobody asks for it
      copier_.copy(source, entry, nullptr);
      size_ += entry.size;
      return;
    }
    int parent = destination_.directory(parent_of(entry.path));
    std::string name(name_of(entry.path));
    if (entry.type == 'l') {
      if (symlinkat(entry.link.c_str(), parent, name.c_str()) != 0)
        fail("symlink", errno, entry.path);
    } else {
      mode_t type = entry.type == 'p' ? S_IFIFO : entry.type == 'b' ? S_IFBLK : S_IFCHR;
      if (mknodat(parent, name.c_str(), type | 0600, makedev(entry.major, entry.minor)) != 0) {
        if (errno != EPERM)
          fail("mknod", errno, entry.path);
        channel_.send(FrameType::progress, FieldsOut().add("event", "skipped").add("path", entry.path));
        return;
      }
    }
    set_attributes_at(destination_, entry, target_);
    set_time_at(destination_, entry);
  }

  Channel& channel_;
  AttributeTarget target_{.is_upper = false};
  Tree destination_;
  FileCopier copier_;
  Layers layers_;
  uint64_t size_ = 0;
  std::map<std::pair<size_t, ino_t>, std::string> links_;
};

} // namespace

void export_tree(const Fields& request, Channel& channel) { Exporter(request, channel).run(); }

} // namespace tbuild
