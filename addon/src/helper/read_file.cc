#include "operations.h"
#include "pump.h"
#include "tree.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

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
  if (static_cast<uint64_t>(status.st_size) > most)
    fail("read", EFBIG, path);
  Pump pump(channel);
  uint64_t size = pump.run(fd.get(), static_cast<uint64_t>(status.st_size), {.frames = &channel}, path);
  channel.send(FrameType::result, FieldsOut().add("size", size));
}

} // namespace tbuild
