#include "sealed_copy.h"
#include "../common/unique_fd.h"
#include "frame.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

namespace tbuild {
namespace {

[[noreturn]] void refuse(const char* step) {
  fail("start", errno, {}, std::string("cannot execute a sealed copy of the helper: ") + step + ": " + strerror(errno));
}

UniqueFd make_memfd() {
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd memory(memfd_create("tbuild-helper", flags | MFD_EXEC));
  if (!memory.valid() && errno == EINVAL) // before Linux 6.3 all are executable
    memory.reset(memfd_create("tbuild-helper", flags));
  if (!memory.valid())
    refuse("memfd_create");
  return memory;
}

} // namespace

void execute_sealed_copy(int argc, char** argv) {
  UniqueFd program(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (!program.valid() || fstat(program.get(), &status) != 0)
    refuse("open");
  UniqueFd memory = make_memfd();
  for (off_t done = 0; done < status.st_size;) {
    ssize_t sent = sendfile(memory.get(), program.get(), &done, static_cast<size_t>(status.st_size - done));
    if (sent <= 0)
      refuse("sendfile");
  }
  if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    refuse("seal");
  std::vector<char*> arguments(argv, argv + argc);
  char ready[] = "--ready";
  arguments.push_back(ready);
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  execveat(memory.get(), "", arguments.data(), environment, AT_EMPTY_PATH);
  refuse("execveat");
}

} // namespace tbuild
