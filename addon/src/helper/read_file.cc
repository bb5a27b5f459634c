#include "operations.h"
#include "pump.h"
#include "tree.h"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tbuild {

void read_file(const Fields& request, Channel& channel) {
  std::string path(request.get("path"));
  check_path(path);
  Tree tree{std::string(request.get("root"))};
  uint64_t most = request.number("max", UINT64_MAX);
  // Looks before it opens: opening a device or a fifo can do things.
  UniqueFd place(tree.open(path, O_PATH));
  struct stat status;
  if (!place.valid() || fstat(place.get(), &status) != 0)
    fail("open", errno, path);
  if (!S_ISREG(status.st_mode))
    fail("open", EINVAL, path, "not a regular file");
  UniqueFd fd(tree.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid() || fstat(fd.get(), &status) != 0)
    fail("open", errno, path);
  uint64_t offset = std::min(request.number("offset", 0), static_cast<uint64_t>(status.st_size));
  uint64_t rest = static_cast<uint64_t>(status.st_size) - offset;
  if (rest > most && !request.flag("cut"))
    fail("read", EFBIG, path);
  if (lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
    fail("read", errno, path);
  Pump pump(channel);
  uint64_t size = pump.run(fd.get(), std::min(rest, most), {.frames = &channel}, path);
  channel.send(FrameType::result, FieldsOut().add("size", size));
}

} // namespace tbuild
