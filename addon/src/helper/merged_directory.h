// One directory of an image: what a stack of layers adds up to there, as overlayfs would show it.
#pragma once
#include "tree.h"
#include "walk.h"
#include <map>
#include <memory>
#include <vector>

namespace tbuild {

struct MergedEntry {
  Found found;                // as the topmost layer that has it says, xattrs included
  size_t layer = 0;           // that layer
  std::vector<size_t> layers; // of a directory: those that contribute to it, topmost first
};

using Layers = std::vector<std::unique_ptr<Tree>>;

// The visible children of the directory `path` by name; `contributing` are the layers that have it, topmost first.
std::map<std::string, MergedEntry> merge_directory(const Layers& layers, const std::vector<size_t>& contributing,
                                                   const std::string& path);

} // namespace tbuild
