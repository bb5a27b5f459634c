#include "operations.h"
#include "remove_tree.h"
#include <optional>

namespace tbuild {

void remove_paths(const Fields& request, Channel& channel) {
  std::optional<OperationError> first;
  for (std::string_view path : request.all("path")) {
    try {
      remove_path(std::string(path), channel);
    } catch (const OperationError& error) {
      if (!first)
        first = error;
    }
  }
  if (first)
    throw OperationError(*first);
  channel.send(FrameType::result, FieldsOut());
}

} // namespace tbuild
