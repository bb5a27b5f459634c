#include "../common/hex.h"
#include "../common/open_beneath.h"
#include "../common/sha256.h"
#include "../common/unique_fd.h"
#include "../common/xattrs.h"
#include "arguments.h"
#include "functions.h"
#include "task.h"
#include <atomic>
#include <cerrno>
#include <memory>
#include <sys/stat.h>
#include <thread>

namespace tbuild {
namespace {

constexpr size_t buffer_size = 256 * 1024;
constexpr unsigned most_threads = 4;

struct FileDigest {
  int error = 0;
  std::array<uint8_t, 32> digest{};
  std::string xattrs;
};

std::string xattr_text(const std::vector<Xattr>& xattrs) {
  std::string text;
  for (const Xattr& xattr : xattrs) {
    text += xattr.name + "=" + to_hex(xattr.value);
    text += '\0';
  }
  return text;
}

int hash_symlink(int fd, FileDigest& out) {
  std::string target(4096, '\0');
  ssize_t size = readlinkat(fd, "", target.data(), target.size());
  if (size < 0)
    return errno;
  Sha256 hash;
  hash.update(std::string_view(target).substr(0, static_cast<size_t>(size)));
  out.digest = hash.digest();
  return 0;
}

int hash_regular(int root, const char* path, char* buffer, FileDigest& out) {
  UniqueFd fd(open_beneath(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid())
    return errno;
  struct stat status;
  if (fstat(fd.get(), &status) != 0)
    return errno;
  if (!S_ISREG(status.st_mode))
    return EINVAL;
  Sha256 hash;
  for (ssize_t got; (got = read(fd.get(), buffer, buffer_size)) != 0;) {
    if (got < 0) {
      if (errno == EINTR)
        continue;
      return errno;
    }
    hash.update({buffer, static_cast<size_t>(got)});
  }
  out.digest = hash.digest();
  std::vector<Xattr> xattrs;
  int error = read_xattrs(fd.get(), xattrs, nullptr);
  out.xattrs = xattr_text(xattrs);
  return error;
}

// Looks before it opens: opening a device or a fifo can do things.
int hash_one(int root, const char* path, char* buffer, FileDigest& out) {
  UniqueFd place(open_beneath(root, path, O_PATH | O_NOFOLLOW));
  if (!place.valid())
    return errno;
  struct stat status;
  if (fstat(place.get(), &status) != 0)
    return errno;
  if (S_ISLNK(status.st_mode))
    return hash_symlink(place.get(), out);
  if (S_ISDIR(status.st_mode))
    return EISDIR;
  return S_ISREG(status.st_mode) ? hash_regular(root, path, buffer, out) : EINVAL;
}

class HashTask : public Task {
public:
  HashTask(Napi::Env env, std::string root, std::vector<std::string> paths)
      : Task(env), root_(std::move(root)), paths_(std::move(paths)), digests_(paths_.size()) {}

protected:
  void run() override {
    UniqueFd root(open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) {
      failure_ = {errno, "open", root_};
      return;
    }
    std::atomic<size_t> next = 0;
    auto work = [&] {
      auto buffer = std::make_unique_for_overwrite<char[]>(buffer_size);
      for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < paths_.size();)
        digests_[i].error = hash_one(root.get(), paths_[i].c_str(), buffer.get(), digests_[i]);
    };
    size_t threads =
        std::min({size_t(most_threads), size_t(std::thread::hardware_concurrency()), paths_.size() / 8 + 1});
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; i++)
      others.emplace_back(work);
    work();
    for (std::thread& other : others)
      other.join();
  }

  Napi::Value result(Napi::Env env) override {
    std::string out;
    for (const FileDigest& file : digests_) {
      out.push_back(static_cast<char>(file.error));
      out.append(reinterpret_cast<const char*>(file.digest.data()), file.digest.size());
      uint32_t length = static_cast<uint32_t>(file.xattrs.size());
      for (int i = 0; i < 4; i++)
        out.push_back(static_cast<char>(length >> (8 * i)));
      out += file.xattrs;
    }
    return to_buffer(env, std::move(out));
  }

private:
  std::string root_;
  std::vector<std::string> paths_;
  std::vector<FileDigest> digests_;
};

} // namespace

Napi::Value hash_files(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto root = string_of(info[0]);
  if (!root || !info[1].IsArray())
    return throw_type_error(env, "hashFiles(root: string, paths: string[])");
  Napi::Array array = info[1].As<Napi::Array>();
  std::vector<std::string> paths;
  paths.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) {
    auto path = string_of(array.Get(i));
    if (!path)
      return throw_type_error(env, "hashFiles(root: string, paths: string[])");
    paths.push_back(std::move(*path));
  }
  return (new HashTask(env, std::move(*root), std::move(paths)))->start();
}

} // namespace tbuild
