#include "directory.h"
#include <cerrno>
#include <memory>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace tbuild {
namespace {

// The kernel's struct linux_dirent64.
struct KernelEntry {
  uint64_t ino;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

constexpr size_t buffer_size = 64 * 1024;

} // namespace

int read_directory(int fd, std::vector<DirectoryEntry>& out) {
  auto buffer = std::make_unique_for_overwrite<uint64_t[]>(buffer_size / sizeof(uint64_t));
  char* bytes = reinterpret_cast<char*>(buffer.get());
  for (;;) {
    long size = syscall(SYS_getdents64, fd, bytes, buffer_size);
    if (size < 0)
      return errno;
    if (size == 0)
      return 0;
    for (long position = 0; position < size;) {
      const auto* entry = reinterpret_cast<const KernelEntry*>(bytes + position);
      position += entry->length;
      std::string_view name = entry->name;
      if (name != "." && name != "..")
        out.push_back({std::string(name), entry->type});
    }
  }
}

} // namespace tbuild
