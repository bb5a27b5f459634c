// System calls that no common tool makes, for tests that run it inside a sandbox: probe COMMAND [ARGUMENTS].
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int report(const char *what, long result) {
  printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
  return 0;
}

// File capability cap_net_bind_service=ep, version 2.
static int set_capability(const char *path) {
  struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
  data.data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
  return report("setxattr", setxattr(path, "security.capability", &data, sizeof data, 0));
}

// Every way into another process's memory and descriptors.
static int attack(pid_t pid) {
  char byte;
  struct iovec local = {&byte, 1}, remote = {(void *)0x400000, 1};
  report("ptrace", ptrace(PTRACE_SEIZE, pid, 0, 0));
  report("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  for (int fd = 0; fd < 16; fd++) {
    if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0 || errno != EPERM)
      return report("pidfd_getfd", 0);
  }
  errno = EPERM;
  return report("pidfd_getfd", -1);
}

// Opens a device node that it makes under another name.
static int open_node(const char *path, const char *kind) {
  mode_t type = *kind == 'b' ? S_IFBLK : S_IFCHR;
  if (report("mknod", mknod(path, type | 0666, *kind == 'b' ? 0x800 : 0x103)) || access(path, F_OK) != 0)
    return 0;
  return report("open", open(path, O_RDONLY));
}

// A terminal of the caller would take input as if typed.
static int type_into_terminal(void) {
  int fd = open("/dev/tty", O_RDWR);
  if (fd < 0)
    return report("open /dev/tty", -1);
  return report("TIOCSTI", ioctl(fd, TIOCSTI, "x"));
}

// What a listener on a path says.
static int talk(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    puts(strerrorname_np(errno));
    return 0;
  }
  char text[256];
  ssize_t length = read(fd, text, sizeof text);
  printf("%.*s\n", length < 0 ? 0 : (int)length, text);
  return 0;
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "";
  if (!strcmp(command, "setcap"))
    return set_capability(argv[2]);
  if (!strcmp(command, "attack"))
    return attack(atoi(argv[2]));
  if (!strcmp(command, "mknod"))
    return open_node(argv[2], argv[3]);
  if (!strcmp(command, "socket"))
    return talk(argv[2]);
  if (!strcmp(command, "tty"))
    return type_into_terminal();
  fprintf(stderr, "unknown command\n");
  return 2;
}
