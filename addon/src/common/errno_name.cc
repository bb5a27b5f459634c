#include "errno_name.h"
#include <cerrno>

namespace tbuild {

const char* errno_name(int error) {
  switch (error) {
#define NAME(symbol)                                                                                                   \
  case symbol:                                                                                                         \
    return #symbol;
    NAME(E2BIG)
    NAME(EACCES)
    NAME(EAGAIN)
    NAME(EBADF)
    NAME(EBUSY)
    NAME(ECANCELED)
    NAME(ECONNREFUSED)
    NAME(ECONNRESET)
    NAME(EDQUOT)
    NAME(EEXIST)
    NAME(EFAULT)
    NAME(EFBIG)
    NAME(EINTR)
    NAME(EINVAL)
    NAME(EIO)
    NAME(EISDIR)
    NAME(ELOOP)
    NAME(EMFILE)
    NAME(EMLINK)
    NAME(EMSGSIZE)
    NAME(ENAMETOOLONG)
    NAME(ENFILE)
    NAME(ENODATA)
    NAME(ENODEV)
    NAME(ENOENT)
    NAME(ENOEXEC)
    NAME(ENOLCK)
    NAME(ENOMEM)
    NAME(ENOSPC)
    NAME(ENOSYS)
    NAME(ENOTCONN)
    NAME(ENOTDIR)
    NAME(ENOTEMPTY)
    NAME(ENOTSOCK)
    NAME(ENOTSUP)
    NAME(ENOTTY)
    NAME(ENXIO)
    NAME(EOVERFLOW)
    NAME(EPERM)
    NAME(EPIPE)
    NAME(EPROTO)
    NAME(ERANGE)
    NAME(EROFS)
    NAME(ESPIPE)
    NAME(ESRCH)
    NAME(ESTALE)
    NAME(ETIMEDOUT)
    NAME(ETXTBSY)
    NAME(EUSERS)
    NAME(EXDEV)
#undef NAME
  }
  return "EUNKNOWN";
}

} // namespace tbuild
