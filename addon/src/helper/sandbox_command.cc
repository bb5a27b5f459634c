#include "sandbox_command.h"
#include "sandbox_control.h"
#include "sandbox_credentials.h"
#include "sandbox_resolve.h"
#include "sandbox_sys.h"
#include "sandbox_terminal.h"
#include <climits>
#include <cstring>
#include <signal.h>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace tbuild {
namespace {

constexpr int control_number = 3;
constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void reset_signals() {
  for (int number = 1; number < NSIG; number++)
    signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// 0, 1, 2, and the control socket, which closes at exec. Nothing of the outside stays open (CVE-2024-21626).
void arrange_descriptors(int control, CommandPipes& pipes) {
  const std::string op = "arrange descriptors";
  if (!pipes.input.valid())
    pipes.input.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
  // Out of the way of the numbers that are about to be taken.
  int from[4] = {pipes.input.get(), pipes.output.get(), pipes.errors.get(), control};
  for (int& fd : from) {
    if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, 10)) < 0)
      fail(op, errno);
  }
  for (int number = 0; number < 4; number++) {
    if (dup3(from[number], number == 3 ? control_number : number, number == 3 ? O_CLOEXEC : 0) < 0)
      fail(op, errno);
  }
  if (sys::close_range(control_number + 1, ~0u) != 0)
    fail(op, errno);
}

void make_working_directory(const SandboxRequest& request) {
  const std::string op = "make the working directory";
  int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  ResolvedPath resolved = resolve_in_root(root, request.cwd, op);
  for (size_t count = resolved.existing + 1; count <= resolved.components.size(); count++) {
    std::string path = resolved.prefix(count);
    if (mkdirat(root, path.c_str(), 0755) != 0)
      fail(op, errno, request.cwd);
    if (request.cwd_of_user && fchownat(root, path.c_str(), request.uid, request.gid, AT_SYMLINK_NOFOLLOW) != 0)
      fail(op, errno, request.cwd);
  }
  close(root);
}

void enter_working_directory(const SandboxRequest& request) {
  const std::string op = "enter the working directory";
  if (chdir(request.cwd.c_str()) != 0) {
    if (errno != ENOENT)
      fail(op, errno, request.cwd);
    make_working_directory(request);
    if (chdir(request.cwd.c_str()) != 0)
      fail(op, errno, request.cwd);
  }
  // A path that is not below the root comes back as "(unreachable)…".
  char path[PATH_MAX];
  if (syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/')
    fail(op, ENOENT, request.cwd, "the working directory is outside of the root");
}

std::string_view search_path(const SandboxRequest& request) {
  for (std::string_view variable : request.environment) {
    if (variable.starts_with("PATH="))
      return variable.substr(5);
  }
  return default_path;
}

std::vector<char*> pointers_of(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& string : strings)
    out.push_back(const_cast<char*>(string.c_str()));
  out.push_back(nullptr);
  return out;
}

std::string reason(int error, bool exists) {
  switch (error) {
  case ENOENT:
    return exists ? "the interpreter that it names does not exist" : "no such file";
  case ENOEXEC:
    return "neither a program for this machine nor a script that begins with #!";
  case EACCES:
    return "permission denied: not an executable file, or a directory on the way is closed to this user";
  default:
    return strerror(error);
  }
}

[[noreturn]] void exec_failed(const std::string& command, int error, const std::string& message) {
  throw OperationError{"execute", error, command, message};
}

bool exists(const std::string& path) { return faccessat(AT_FDCWD, path.c_str(), F_OK, AT_EACCESS) == 0; }

// As execvpe, but with the sandbox's PATH, no shell for what has no format, and a reason that tells cases apart.
[[noreturn]] void execute(const SandboxRequest& request) {
  auto arguments = pointers_of(request.arguments), environment = pointers_of(request.environment);
  const std::string& command = request.arguments.front();
  // It would be looked for as PATH's directories themselves.
  if (command.empty())
    exec_failed("\"\"", ENOENT, "no name of a program");
  if (command.find('/') != std::string::npos) {
    execve(command.c_str(), arguments.data(), environment.data());
    int error = errno;
    exec_failed(command, error, reason(error, exists(command)));
  }
  std::string_view rest = search_path(request);
  bool denied = false;
  for (;;) {
    size_t colon = rest.find(':');
    std::string candidate = std::string(rest.substr(0, colon)) + (colon == 0 || rest.empty() ? "./" : "/") + command;
    execve(candidate.c_str(), arguments.data(), environment.data());
    int error = errno;
    if (error == EACCES)
      denied = true;
    else if ((error != ENOENT && error != ENOTDIR) || exists(candidate))
      exec_failed(candidate, error, reason(error, true));
    if (colon == std::string_view::npos)
      break;
    rest.remove_prefix(colon + 1);
  }
  if (denied)
    exec_failed(command, EACCES, "found in PATH, but not executable");
  exec_failed(command, ENOENT, "not found in PATH");
}

} // namespace

void run_sandbox_command(const SandboxRequest& request, int control, CommandPipes pipes) {
  bool starting = false;
  try {
    setsid();
    reset_signals();
    arrange_descriptors(control, pipes);
    control = control_number;
    if (request.terminal)
      control_terminal(STDIN_FILENO);
    enter_working_directory(request);
    become_user(request);
    starting = send_note(control, {NoteKind::starting});
    execute(request);
  } catch (const OperationError& error) {
    send_note(control, note_of(starting ? NoteKind::exec_failed : NoteKind::failed, error));
  } catch (const std::exception& error) {
    send_note(control, note_of(NoteKind::failed, {"internal", EIO, {}, error.what()}));
  }
  _exit(1);
}

} // namespace tbuild
