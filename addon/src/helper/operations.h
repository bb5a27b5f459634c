// The file operations of addon/README.md. Each reads what it needs from the channel and sends the result.
#pragma once
#include "frame.h"

namespace tbuild {

void write_diff(const Fields& request, Channel& channel);
void commit_diff(const Fields& request, Channel& channel);
void send_tar(const Fields& request, Channel& channel);
void read_file(const Fields& request, Channel& channel);
void export_tree(const Fields& request, Channel& channel);
void remove_paths(const Fields& request, Channel& channel);
void tree_usage(const Fields& request, Channel& channel);

} // namespace tbuild
