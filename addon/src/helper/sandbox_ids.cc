#include "sandbox_ids.h"
#include "../common/unique_fd.h"
#include "sandbox_request.h"
#include <cerrno>
#include <charconv>
#include <fcntl.h>

namespace tbuild {
namespace {

uint32_t take_number(std::string_view& text, std::string_view what) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc())
    fail("protocol", EINVAL, {}, "malformed " + std::string(what));
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

// A map is written in one piece or refused whole.
void write_proc_file(pid_t pid, const char* name, std::string_view content) {
  std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() || write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    fail("map the ids of the sandbox", errno, name);
}

std::string lines_of(const SandboxIdMap& map) {
  std::string out;
  for (const auto& range : map)
    out +=
        std::to_string(range.inside) + " " + std::to_string(range.outside) + " " + std::to_string(range.count) + "\n";
  return out;
}

} // namespace

SandboxIdMap parse_sandbox_id_map(std::string_view text, std::string_view what) {
  SandboxIdMap map;
  for (;;) {
    uint32_t inside = take_number(text, what), outside = take_number(text, what), count = take_number(text, what);
    map.push_back({inside, outside, count});
    if (text.empty())
      return map;
    if (text.front() != ',')
      fail("protocol", EINVAL, {}, "malformed " + std::string(what));
    text.remove_prefix(1);
  }
}

std::optional<uint32_t> outside_id(const SandboxIdMap& map, uint32_t inside) {
  for (const auto& range : map) {
    if (inside >= range.inside && inside - range.inside < range.count)
      return range.outside + (inside - range.inside);
  }
  return std::nullopt;
}

void write_sandbox_id_maps(pid_t pid, const SandboxRequest& request) {
  // Without it a process could drop a group that denies it access (CVE-2014-8989); the kernel then also demands it.
  if (request.single)
    write_proc_file(pid, "setgroups", "deny");
  write_proc_file(pid, "uid_map", lines_of(request.uid_map));
  write_proc_file(pid, "gid_map", lines_of(request.gid_map));
}

} // namespace tbuild
