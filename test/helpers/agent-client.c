// Sends messages to the SSH agent of SSH_AUTH_SOCK, each given in hexadecimal without its length, and prints the answers.
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static unsigned char bytes[1 << 20];

static int receive(int fd, unsigned char *out, size_t length) {
  for (size_t got = 0; got < length;) {
    ssize_t count = read(fd, out + got, length - got);
    if (count <= 0)
      return -1;
    got += (size_t)count;
  }
  return 0;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  const char *path = getenv("SSH_AUTH_SOCK");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path ? path : "", sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("connect");
    return 1;
  }
  for (int i = 1; i < argc; i++) {
    uint32_t length = (uint32_t)strlen(argv[i]) / 2, size = htonl(length);
    for (uint32_t at = 0; at < length; at++)
      sscanf(argv[i] + 2 * at, "%2hhx", &bytes[at]);
    if (write(fd, &size, 4) != 4 || write(fd, bytes, length) != (ssize_t)length || receive(fd, (void *)&size, 4) ||
        receive(fd, bytes, length = ntohl(size))) {
      puts("closed");
      return 0;
    }
    for (uint32_t at = 0; at < length; at++)
      printf("%02x", bytes[at]);
    putchar('\n');
  }
  return 0;
}
