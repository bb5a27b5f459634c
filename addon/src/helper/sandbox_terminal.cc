#include "sandbox_terminal.h"
#include "frame.h"
#include "sandbox_mount_calls.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace tbuild {
namespace {

const std::string op = "open a terminal";

Terminal open_pair(int dev) {
  Terminal terminal;
  terminal.master.reset(openat(dev, "pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
  int unlocked = 0;
  if (!terminal.master.valid() || ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) != 0)
    fail(op, errno, "/dev/pts/ptmx");
  // By the descriptor: a path could lead to another terminal (CVE-2025-52565).
  terminal.slave.reset(ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave.valid())
    fail(op, errno, "/dev/pts");
  return terminal;
}

// The group is that of devpts. A user without an id here is refused when the command becomes it.
void give(int slave, const SandboxRequest& request) {
  bool mapped = !request.own_userns || outside_id(request.uid_map, request.uid);
  if (mapped && fchown(slave, request.uid, static_cast<gid_t>(-1)) != 0)
    fail("give the terminal to the user", errno);
}

void show_as_console(int dev, int slave) {
  UniqueFd mount = clone_mount(slave, "", false, op);
  UniqueFd place(openat(dev, "console", O_CREAT | O_EXCL | O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!place.valid())
    fail(op, errno, "/dev/console");
  attach(mount.get(), place.get(), op, "/dev/console");
}

} // namespace

Terminal open_terminal(int dev, const SandboxRequest& request) {
  Terminal terminal = open_pair(dev);
  give(terminal.slave.get(), request);
  set_terminal_size(terminal.slave.get(), *request.terminal);
  show_as_console(dev, terminal.slave.get());
  return terminal;
}

void control_terminal(int slave) {
  if (ioctl(slave, TIOCSCTTY, 0) != 0)
    fail("take the terminal", errno);
}

void set_terminal_size(int terminal, TerminalSize size) {
  winsize window{size.rows, size.columns, 0, 0};
  if (ioctl(terminal, TIOCSWINSZ, &window) != 0)
    fail("set the size of the terminal", errno);
}

} // namespace tbuild
