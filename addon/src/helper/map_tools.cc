#include "map_tools.h"
#include "frame.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

namespace tbuild {
namespace {

// The environment is empty, so PATH says nothing; these are where distributions install it.
std::string find_tool(const std::string& name) {
  for (const char* directory : {"/usr/bin/", "/bin/", "/usr/sbin/", "/usr/local/bin/"}) {
    std::string path = directory + name;
    if (access(path.c_str(), X_OK) == 0)
      return path;
  }
  fail("start", ENOENT, name,
       name + " is missing: install the package uidmap (Alpine: shadow-uidmap, Fedora: shadow-utils)");
}

std::vector<std::string> tool_arguments(const std::string& tool, pid_t target, const std::vector<IdRange>& map) {
  std::vector<std::string> arguments{tool, std::to_string(target)};
  for (const IdRange& range : map) {
    for (unsigned long number : {range.inside, range.outside, range.count})
      arguments.push_back(std::to_string(number));
  }
  return arguments;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR)
      return -1;
  }
  return status;
}

bool run_tool(const std::vector<std::string>& arguments, int output) {
  pid_t child = fork();
  if (child < 0)
    return false;
  if (child == 0) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    char* environment[] = {nullptr};
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execve(argv[0], argv.data(), environment);
    dprintf(STDERR_FILENO, "%s: %s", argv[0], strerror(errno));
    _exit(127);
  }
  int status = wait_for(child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    fail("start", errno, {}, "pipe2");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
}

} // namespace

MapWriter::MapWriter(const Options& options) {
  pid_t target = getpid();
  auto uid_arguments = tool_arguments(find_tool("newuidmap"), target, options.uid_map);
  auto gid_arguments = tool_arguments(find_tool("newgidmap"), target, options.gid_map);
  UniqueFd wait_end, output_end;
  make_pipe(wait_end, start_);
  make_pipe(output_, output_end);
  child_ = fork();
  if (child_ < 0)
    fail("start", errno, {}, "fork");
  if (child_ == 0) {
    start_.reset();
    char go;
    if (read(wait_end.get(), &go, 1) != 1)
      _exit(1);
    _exit(run_tool(uid_arguments, output_end.get()) && run_tool(gid_arguments, output_end.get()) ? 0 : 1);
  }
}

MapWriter::~MapWriter() {
  if (child_ > 0) {
    kill(child_, SIGKILL);
    wait_for(child_);
  }
}

void MapWriter::write_maps() {
  if (write(start_.get(), "g", 1) != 1)
    fail("start", errno, {}, "the process that runs newuidmap is gone");
  std::string said;
  char part[512];
  ssize_t got;
  while ((got = read(output_.get(), part, sizeof part)) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0 && said.size() < 4096)
      said.append(part, static_cast<size_t>(got));
  }
  int status = wait_for(std::exchange(child_, -1));
  if (status == 0)
    return;
  while (!said.empty() && (said.back() == '\n' || said.back() == '.'))
    said.pop_back();
  fail("start", EPERM, {}, "the ids of /etc/subuid and /etc/subgid could not be mapped: " + said);
}

} // namespace tbuild
