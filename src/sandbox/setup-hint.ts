/**
 * What to do when the helper could not set a sandbox up: by the step that failed (`op` of its error frame) and the name of the error number. Undefined when there is nothing better to say
 * than the message itself.
 */
export function setupHint(operation: string, errno: string): string | undefined {
  switch (operation) {
    case 'create a user namespace':
      return errno === 'ENOSPC'
        ? 'raise /proc/sys/user/max_user_namespaces'
        : 'user namespaces are not allowed here: see kernel.apparmor_restrict_unprivileged_userns, kernel.unprivileged_userns_clone, and the seccomp profile of the container that this runs in';
    case 'mount /proc':
    case 'mount /sys':
      if (errno === 'ENOTDIR' || errno === 'ELOOP' || errno === 'ENOENT') return 'this image cannot be run: fix it';
      return 'this runs in a container that hides parts of /proc or /sys; start that container with them unmasked (docker: --security-opt systempaths=unconfined; Kubernetes: procMount: Unmasked)';
    case 'map the ids of a directory':
      return 'the file system of the store cannot be idmapped: move the store (--store) to ext4, xfs, btrfs or tmpfs, or give --userns=host';
    case 'map the ids of the sandbox':
      return 'the ranges of /etc/subuid and /etc/subgid may have changed since the helper started';
    case 'make a mount point':
      return errno === 'EROFS' ? 'give the mount around it rw, or make what is missing in its source' : undefined;
    case 'open the source of a mount':
      return 'source= is a path in what is mounted: check that it is there';
    case 'mount a file':
    case 'mount a directory':
    case 'mount a tmpfs':
      return 'directories are mounted on directories, files on files: choose another target';
    case 'make a secret':
    case 'mount a socket':
      return 'check uid= and gid=: an ordinary user has the ids of /etc/subuid and /etc/subgid alone';
    case 'set the user':
    case 'set the group':
    case 'set the groups':
      return 'give this user ranges in /etc/subuid and /etc/subgid (and install newuidmap), or build as root';
    case 'make the working directory':
    case 'enter the working directory':
      return 'check WORKDIR';
    case 'mount the root':
      return 'the store must be on a file system that overlayfs can use, with Linux 5.11 or later';
    default:
      return undefined;
  }
}
