#include "options.h"
#include "frame.h"
#include <cerrno>
#include <cstdio>

namespace tbuild {
namespace {

std::vector<IdRange> parse_map(std::string_view text) {
  std::vector<IdRange> map;
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string triple(text.substr(0, comma));
    IdRange range{};
    int used = 0;
    if (sscanf(triple.c_str(), "%lu %lu %lu%n", &range.inside, &range.outside, &range.count, &used) != 3 ||
        static_cast<size_t>(used) != triple.size() || range.count == 0)
      fail("start", EINVAL, {}, "malformed id map: " + triple);
    map.push_back(range);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return map;
}

} // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  bool userns_given = false;
  for (int i = 1; i < argc; i++) {
    std::string_view argument = argv[i];
    auto value_of = [&](std::string_view name) { return argument.substr(name.size()); };
    if (argument == "--userns=none" || argument == "--userns=new") {
      options.new_userns = argument == "--userns=new";
      userns_given = true;
    } else if (argument.starts_with("--uid-map=")) {
      options.uid_map = parse_map(value_of("--uid-map="));
    } else if (argument.starts_with("--gid-map=")) {
      options.gid_map = parse_map(value_of("--gid-map="));
    } else if (argument == "--single") {
      options.single = true;
    } else if (argument == "--ready") {
      options.ready = true;
    } else {
      fail("start", EINVAL, {}, "unknown argument: " + std::string(argument));
    }
  }
  bool maps_given = !options.uid_map.empty() && !options.gid_map.empty();
  if (!userns_given || options.new_userns != maps_given)
    fail("start", EINVAL, {}, "--userns=none, or --userns=new with both maps, is needed");
  return options;
}

} // namespace tbuild
