#include "listing.h"
#include "operations.h"
#include "pump.h"
#include "tree.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace tbuild {
namespace {

void send_content(Tree& diff, Pump& pump, const Entry& entry, TarStream& tar) {
  check_path(entry.path);
  UniqueFd fd(diff.open(entry.path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status;
  if (!fd.valid() || fstat(fd.get(), &status) != 0)
    fail("open", errno, entry.path);
  if (!S_ISREG(status.st_mode) || static_cast<uint64_t>(status.st_size) != entry.size ||
      pump.run(fd.get(), entry.size, {.tar = &tar}, entry.path) != entry.size)
    fail("read", EIO, entry.path, "the file is not what the layer's listing says");
  tar.end_content(entry.size);
}

} // namespace

void send_tar(const Fields& request, Channel& channel) {
  std::vector<Entry> entries = parse_listing(read_listing_file(std::string(request.get("listing"))));
  std::vector<Entry*> pointers;
  for (Entry& entry : entries)
    pointers.push_back(&entry);
  set_parent_times(pointers);
  Tree diff{std::string(request.get("diff"))};
  Pump pump(channel);
  TarStream tar(&channel);
  for (const Entry& entry : entries) {
    channel.tick();
    tar.begin(entry);
    if (entry.has_content())
      send_content(diff, pump, entry, tar);
  }
  tar.finish();
  channel.send(FrameType::result, FieldsOut().add("diffid", tar.hex_digest()).add("tar-size", tar.size()));
}

} // namespace tbuild
