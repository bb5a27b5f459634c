// What a hostile command does, for tests that run it inside a sandbox: attacker COMMAND [ARGUMENTS].
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int report(const char *what, long result) {
  printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
  fflush(stdout);
  return 0;
}

static int open_for(const char *path, int flags) {
  int fd = open(path, flags | O_NONBLOCK | O_NOCTTY);
  return report(path, fd);
}

static int read_some(const char *path) {
  char byte;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return report(path, fd < 0 ? -1 : read(fd, &byte, 1));
}

// Full powers over namespaces of its own, which must undo nothing of what the sandbox hides.
static int nest(void) {
  uid_t uid = getuid();
  gid_t gid = getgid();
  report("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC));
  char map[64];
  int fd = open("/proc/self/setgroups", O_WRONLY);
  if (write(fd, "deny", 4) < 0)
    report("setgroups", -1);
  fd = open("/proc/self/uid_map", O_WRONLY);
  snprintf(map, sizeof map, "0 %d 1", (int)uid);
  if (write(fd, map, strlen(map)) < 0)
    report("uid_map", -1);
  fd = open("/proc/self/gid_map", O_WRONLY);
  snprintf(map, sizeof map, "0 %d 1", (int)gid);
  if (write(fd, map, strlen(map)) < 0)
    report("gid_map", -1);
  pid_t child = fork();
  if (child) {
    waitpid(child, NULL, 0);
    return 0;
  }
  const char *hidden[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sys", "/sys/firmware", "/sys", "/etc/hosts", "/etc/resolv.conf"};
  for (unsigned i = 0; i < sizeof hidden / sizeof *hidden; i++) {
    if (access(hidden[i], F_OK) == 0)
      report(hidden[i], umount2(hidden[i], MNT_DETACH));
  }
  const char *readonly[] = {"/proc/sys", "/proc/sysrq-trigger", "/sys", "/sys/fs/cgroup", "/etc/hosts"};
  for (unsigned i = 0; i < sizeof readonly / sizeof *readonly; i++) {
    if (access(readonly[i], F_OK) == 0)
      report(readonly[i], mount(NULL, readonly[i], NULL, MS_REMOUNT | MS_BIND, NULL));
  }
  mkdir("/tmp", 0777);
  mkdir("/tmp/m", 0777);
  report("proc", mount("proc", "/tmp/m", "proc", 0, NULL));
  report("sysfs", mount("sysfs", "/tmp/m", "sysfs", 0, NULL));
  if (mount("/proc/sys", "/tmp/m", NULL, MS_BIND, NULL) == 0)
    open_for("/tmp/m/kernel/core_pattern", O_WRONLY);
  report("parts of the root", mount("/", "/tmp/m", NULL, MS_BIND, NULL));
  report("setns", setns(open("/proc/1/ns/mnt", O_RDONLY), CLONE_NEWNS));
  report("mknod", mknod("/tmp/disk", S_IFBLK | 0600, 0x800));
  return 0;
}

static int keyrings(void) {
  long own = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
  report("session keyring", own);
  char keys[4096];
  long size = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof keys);
  printf("keys %ld\n", size);
  long found = syscall(SYS_request_key, "user", "tbuild-hostile-canary", NULL, KEY_SPEC_SESSION_KEYRING);
  return report("request_key", found);
}

// A terminal that the caller left open somewhere would take input as if it were typed.
static int terminals(void) {
  for (int fd = 0; fd < 64; fd++) {
    if (isatty(fd))
      report("TIOCSTI", ioctl(fd, TIOCSTI, "x"));
  }
  open_for("/dev/tty", O_RDWR);
  return open_for("/dev/console", O_RDWR);
}

static int connect_abstract(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path + 1, name, strlen(name));
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return report("connect",
                connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
}

static int namespaces(void) {
  const char *kinds[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/1/ns/%s", kinds[i]);
    int fd = open(path, O_RDONLY);
    report(kinds[i], fd < 0 ? -1 : setns(fd, 0));
  }
  return 0;
}

// Names, links and attributes that nobody expects in a layer.
static int leave_debris(void) {
  report("non-UTF-8 name", mkdir("/debris", 0755) | close(open("/debris/a\xff\xfe", O_CREAT | O_WRONLY, 0644)));
  report("newline", close(open("/debris/line\nbreak 'quote\" \\x", O_CREAT | O_WRONLY, 0644)));
  report("hard link across directories",
         mkdir("/debris/one", 0755) | mkdir("/debris/two", 0755) | close(open("/debris/one/f", O_CREAT | O_WRONLY, 04755)) |
             link("/debris/one/f", "/debris/two/g"));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/debris/socket"};
  report("socket", bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
  report("fifo", mkfifo("/debris/fifo", 0600));
  report("symlink out", symlink("../../../../../../etc/passwd", "/debris/out"));
  int fd = open("/debris/sparse", O_CREAT | O_WRONLY, 0644);
  report("sparse file", ftruncate(fd, 256L << 20) | (pwrite(fd, "end", 3, (256L << 20) - 3) < 0 ? -1 : 0));
  return 0;
}

static int mark_overlay(const char *path) {
  report("opaque", setxattr(path, "user.overlay.opaque", "y", 1, 0));
  report("redirect", setxattr(path, "user.overlay.redirect", "/etc", 4, 0));
  report("escaped", setxattr(path, "user.overlay.overlay.opaque", "y", 1, 0));
  report("trusted", setxattr(path, "trusted.overlay.opaque", "y", 1, 0));
  return report("whiteout", setxattr(path, "user.overlay.whiteout", "y", 1, 0));
}

static int go_deep(const char *levels) {
  char name[201];
  memset(name, 'd', 200);
  name[200] = 0;
  for (int i = 0; i < atoi(levels); i++) {
    if (mkdir(name, 0755) || chdir(name))
      return report("mkdir", -1);
  }
  return report("deep", close(open("file", O_CREAT | O_WRONLY, 0644)));
}

// Lets a directory and a symlink take each other's place, as fast as it goes, for some tenths of a second.
static int swap(const char *path, const char *target, const char *tenths) {
  char other[4096];
  snprintf(other, sizeof other, "%s.other", path);
  mkdir(path, 0777);
  unlink(other);
  if (symlink(target, other) != 0)
    return report("symlink", -1);
  for (int i = 0; i < atoi(tenths) * 20; i++) {
    for (int n = 0; n < 100; n++)
      syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 2u /* RENAME_EXCHANGE */);
    usleep(5000 - 4000 * (i % 2));
  }
  return report("swap", 0);
}

int main(int argc, char **argv) {
  const char *command = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
  if (!strcmp(command, "read"))
    for (int i = 2; i < argc; i++)
      read_some(argv[i]);
  else if (!strcmp(command, "write"))
    for (int i = 2; i < argc; i++)
      open_for(argv[i], O_RDWR);
  else if (!strcmp(command, "nest"))
    return nest();
  else if (!strcmp(command, "keyrings"))
    return keyrings();
  else if (!strcmp(command, "terminals"))
    return terminals();
  else if (!strcmp(command, "connect"))
    return connect_abstract(argument);
  else if (!strcmp(command, "namespaces"))
    return namespaces();
  else if (!strcmp(command, "debris"))
    return leave_debris();
  else if (!strcmp(command, "mark"))
    return mark_overlay(argument);
  else if (!strcmp(command, "swap") && argc == 5)
    return swap(argument, argv[3], argv[4]);
  else if (!strcmp(command, "deep"))
    return go_deep(argument);
  else
    return 2;
  return 0;
}
