// Notes between a worker and PID 1 of its sandbox, over a SOCK_SEQPACKET pair that never reaches the command.
#pragma once
#include "../common/unique_fd.h"
#include "frame.h"
#include <string>
#include <sys/types.h>
#include <vector>

namespace tbuild {

enum class NoteKind : uint8_t {
  mounts,      // to PID 1: detached mounts, in the order of the request; the first one also says that the id maps are
               // written
  signal,      // to PID 1: send `value` to the command
  terminal,    // from PID 1: the master and the slave of the command's terminal
  starting,    // from the command's process just before exec: `sender` is its pid in the worker's namespace
  failed,      // from PID 1: the set-up failed with `value` as errno, text = op, path, message
  exec_failed, // from the command's process: as failed
  ended,       // from PID 1: `value` is the wait status of the command
};

struct Note {
  NoteKind kind;
  int value = 0;
  std::string text = {};
  std::vector<UniqueFd> descriptors = {};
  pid_t sender = 0;
};

// How many descriptors one note may carry.
constexpr size_t max_note_descriptors = 64;

// False when the other side is gone.
bool send_note(int socket, const Note& note);

// False at the end.
bool receive_note(int socket, Note& note);

// An error as the text of a note, and back.
Note note_of(NoteKind kind, const OperationError& error);
OperationError error_of(const Note& note);

} // namespace tbuild
