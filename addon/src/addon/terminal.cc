#include "arguments.h"
#include "failure.h"
#include "functions.h"
#include <cerrno>
#include <cstring>
#include <signal.h>
#include <termios.h>

namespace tbuild {
namespace {

// A process in the background is stopped for this unless SIGTTOU is blocked.
bool set(int fd, const termios& settings) {
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  int result;
  do
    result = tcsetattr(fd, TCSANOW, &settings);
  while (result != 0 && errno == EINTR);
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return result == 0;
}

} // namespace

Napi::Value make_terminal_raw(const Napi::CallbackInfo& info) {
  auto fd = descriptor_argument(info, 0);
  if (!fd)
    return throw_type_error(info.Env(), "makeTerminalRaw(fd: number)");
  termios before;
  if (tcgetattr(*fd, &before) != 0)
    return throw_failure(info.Env(), {errno, "tcgetattr", {}});
  termios raw = before;
  cfmakeraw(&raw);
  // Stops like any other program that is in the background and changes the terminal.
  if (tcsetattr(*fd, TCSANOW, &raw) != 0)
    return throw_failure(info.Env(), {errno, "tcsetattr", {}});
  return Napi::Buffer<char>::Copy(info.Env(), reinterpret_cast<const char*>(&before), sizeof before);
}

Napi::Value restore_terminal(const Napi::CallbackInfo& info) {
  auto fd = descriptor_argument(info, 0);
  termios settings;
  if (!fd || !info[1].IsBuffer() || info[1].As<Napi::Buffer<char>>().Length() != sizeof settings)
    return throw_type_error(info.Env(), "restoreTerminal(fd: number, settings: Buffer of makeTerminalRaw)");
  memcpy(&settings, info[1].As<Napi::Buffer<char>>().Data(), sizeof settings);
  if (!set(*fd, settings))
    return throw_failure(info.Env(), {errno, "tcsetattr", {}});
  return info.Env().Undefined();
}

} // namespace tbuild
