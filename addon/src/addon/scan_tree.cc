#include "../common/directory.h"
#include "../common/unique_fd.h"
#include "arguments.h"
#include "functions.h"
#include "ignore_rules.h"
#include "task.h"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace tbuild {
namespace {

template <typename Number> void put(std::string& out, Number value) {
  char bytes[sizeof value];
  for (size_t i = 0; i < sizeof value; i++)
    bytes[i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  out.append(bytes, sizeof bytes);
}

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

void put_record(std::string& out, const std::string& path, const struct stat& status) {
  put(out, static_cast<uint32_t>(path.size()));
  put(out, static_cast<uint32_t>(status.st_mode));
  put(out, static_cast<uint32_t>(status.st_uid));
  put(out, static_cast<uint32_t>(status.st_gid));
  put(out, static_cast<uint64_t>(status.st_dev));
  put(out, static_cast<uint64_t>(status.st_ino));
  put(out, static_cast<uint64_t>(status.st_size));
  put(out, nanoseconds(status.st_mtim));
  put(out, nanoseconds(status.st_ctim));
  put(out, static_cast<uint32_t>(status.st_nlink));
  out += path;
}

class ScanTask : public Task {
public:
  ScanTask(Napi::Env env, std::string root, const std::vector<IgnoreRule>& rules)
      : Task(env), root_(std::move(root)), rules_(rules) {}

protected:
  void run() override {
    UniqueFd fd(open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) {
      failure_ = {errno, "open", root_};
      return;
    }
    std::string path;
    scan(fd.get(), path, rules_.root());
  }
  Napi::Value result(Napi::Env env) override { return to_buffer(env, std::move(records_)); }

private:
  bool stop(int error, const char* syscall, const std::string& path) {
    failure_ = {error, syscall, root_ + "/" + path};
    return false;
  }

  // An empty name stands for the unknown contents of a directory that may not be read.
  bool mark_unreadable(std::string& path, size_t length) {
    path.resize(length);
    path += '/';
    put_record(records_, path, {});
    path.resize(length);
    return true;
  }

  // Deep trees hold one descriptor and a few KiB of stack per level; a tree too deep for that ends in EMFILE long
  // before the stack does.
  bool scan(int directory, std::string& path, const IgnoreRules::Position& position) {
    std::vector<DirectoryEntry> entries;
    int error = read_directory(directory, entries);
    if (error != 0)
      return stop(error, "scandir", path);
    std::sort(entries.begin(), entries.end());
    IgnoreRules::Position below;
    const size_t length = path.size();
    for (const DirectoryEntry& entry : entries) {
      path.resize(length);
      if (length > 0)
        path += '/';
      path += entry.name;
      bool known = entry.type != DT_UNKNOWN;
      if (known && rules_.prunes(position, entry.name, entry.type == DT_DIR, below, scratch_))
        continue;
      struct stat status;
      if (fstatat(directory, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
        if (errno == ENOENT) // removed meanwhile
          continue;
        // Without the right to search it every entry answers so, the first one too.
        if (errno == EACCES && length > 0)
          return mark_unreadable(path, length);
        return stop(errno, "lstat", path);
      }
      bool is_directory = S_ISDIR(status.st_mode);
      if ((!known || is_directory != (entry.type == DT_DIR)) &&
          rules_.prunes(position, entry.name, is_directory, below, scratch_))
        continue;
      put_record(records_, path, status);
      if (!is_directory)
        continue;
      UniqueFd fd(openat(directory, entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!fd.valid()) {
        if (errno == ENOENT)
          continue;
        if (errno == EACCES) {
          mark_unreadable(path, path.size());
          continue;
        }
        return stop(errno, "scandir", path);
      }
      if (!scan(fd.get(), path, below))
        return false;
    }
    path.resize(length);
    return true;
  }

  std::string root_;
  IgnoreRules rules_;
  IgnoreRules::Scratch scratch_;
  std::string records_;
};

constexpr char usage[] = "scanTree(root: string, rules: { pattern: string; negated: boolean }[])";

} // namespace

Napi::Value scan_tree(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto root = string_of(info[0]);
  if (!root || !info[1].IsArray())
    return throw_type_error(env, usage);
  Napi::Array array = info[1].As<Napi::Array>();
  std::vector<IgnoreRule> rules;
  for (uint32_t i = 0; i < array.Length(); i++) {
    Napi::Value item = array.Get(i);
    if (!item.IsObject())
      return throw_type_error(env, usage);
    Napi::Value pattern = item.As<Napi::Object>().Get("pattern"), negated = item.As<Napi::Object>().Get("negated");
    if (env.IsExceptionPending())
      return env.Undefined();
    auto text = string_of(pattern);
    if (!text || !negated.IsBoolean())
      return throw_type_error(env, usage);
    rules.push_back({*text, negated.As<Napi::Boolean>().Value()});
  }
  return (new ScanTask(env, std::move(*root), rules))->start();
}

} // namespace tbuild
