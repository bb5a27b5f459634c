#include "attributes.h"
#include "diff_report.h"
#include "operations.h"
#include "pump.h"
#include "remove_tree.h"
#include "tree.h"
#include "walk.h"
#include "write_entry.h"
#include <cerrno>
#include <fcntl.h>
#include <map>

namespace tbuild {
namespace {

class Committer {
public:
  Committer(const Fields& request, Channel& channel)
      : channel_(channel), diff_(std::string(request.get("diff"))), pump_(channel),
        report_(channel, request.find("tar") != "0"), epoch_(parse_seconds(request, "epoch")),
        given_root_(parse_root(request)) {}

  void commit() {
    std::vector<Found> found = walk(diff_, channel_);
    for (const Found& one : found) {
      if (is_linked(one))
        groups_[{one.device, one.inode}].members++;
    }
    for (Found& one : found) {
      channel_.tick();
      if (epoch_)
        set_epoch(one);
      if (one.entry.path.empty())
        add_root(one.entry);
      else
        add(one);
    }
    report_.finish();
  }

private:
  struct Group {
    uint64_t members = 0;
    const Entry* first = nullptr;
  };

  // overlayfs may make one inode serve as several whiteouts.
  static bool is_linked(const Found& found) {
    return found.links > 1 && found.entry.type != 'd' && found.entry.type != 'w';
  }

  // Never of an inode that something outside this diff is a link to.
  void set_epoch(Found& found) {
    Entry& entry = found.entry;
    if (entry.type == 'w' || (entry.mtime == *epoch_ && found.mtime_ns == 0))
      return;
    if (is_linked(found) && groups_[{found.device, found.inode}].members != found.links)
      return;
    entry.mtime = *epoch_;
    set_time_at(diff_, entry);
  }

  void add_root(const Entry& root) {
    if (root.mode == given_root_.mode && root.uid == given_root_.uid && root.gid == given_root_.gid &&
        root.xattrs == given_root_.xattrs && !root.opaque)
      return;
    if (report_.tar() != nullptr)
      report_.tar()->begin(root);
    report_.add(root);
  }

  void add(Found& found) {
    Entry& entry = found.entry;
    Group* group = is_linked(found) ? &groups_[{found.device, found.inode}] : nullptr;
    if (group != nullptr && group->first != nullptr) {
      entry.hard = group->first->path;
      entry.sha256 = group->first->sha256;
      entry.xattrs = group->first->xattrs;
    }
    if (entry.has_content())
      add_content(entry);
    else if (report_.tar() != nullptr)
      report_.tar()->begin(entry);
    report_.add(entry);
    if (group != nullptr && group->first == nullptr)
      group->first = &entry;
  }

  void add_content(Entry& entry) {
    UniqueFd fd(diff_.open(entry.path, O_RDONLY | O_NONBLOCK | O_NOATIME));
    if (!fd.valid() && errno == EPERM) // another's file, and no CAP_FOWNER over it
      fd.reset(diff_.open(entry.path, O_RDONLY | O_NONBLOCK));
    if (!fd.valid())
      fail("open", errno, entry.path);
    OverlayMarks marks;
    int error = read_xattrs(fd.get(), entry.xattrs, &marks);
    if (error != 0)
      fail("getxattr", error, entry.path);
    if (marks.foreign_content)
      fail("walk", EINVAL, entry.path, "overlayfs keeps this file's content in another layer (metacopy)");
    TarStream* tar = report_.tar();
    if (tar != nullptr)
      tar->begin(entry);
    Sha256 content;
    if (pump_.run(fd.get(), entry.size, {.content = &content, .tar = tar}, entry.path) != entry.size)
      fail("read", EIO, entry.path, "the file became shorter while it was read");
    if (tar != nullptr)
      tar->end_content(entry.size);
    entry.sha256 = content.digest();
  }

  Channel& channel_;
  Tree diff_;
  Pump pump_;
  DiffReport report_;
  std::optional<int64_t> epoch_;
  Entry given_root_;
  std::map<std::pair<dev_t, ino_t>, Group> groups_;
};

} // namespace

void commit_diff(const Fields& request, Channel& channel) {
  if (auto work = request.find("work"))
    remove_path(std::string(*work), channel);
  Committer(request, channel).commit();
}

} // namespace tbuild
