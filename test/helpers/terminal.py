"""A real terminal for a test: terminal.py ROWS COLUMNS PROGRAM [ARGUMENT...]

Runs the program with a new pseudo-terminal as its controlling terminal. Orders come as lines of JSON on standard input:
{"type": TEXT}, {"resize": [ROWS, COLUMNS]}, {"mode": true}, {"cook": true},
{"hangup": true}. What happens is told in the same way on
standard output: {"pid": N}, {"output": BASE64}, {"mode": WORDS}, and at the end {"status": N, "mode": WORDS, "unread": N} (bytes typed that
nobody has read).
"""
import base64
import fcntl
import json
import os
import select
import signal
import struct
import sys
import termios


def tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def mode(fd):
    iflag, oflag, _, lflag, *_ = termios.tcgetattr(fd)
    words = {
        "icrnl": iflag & termios.ICRNL,
        "ixon": iflag & termios.IXON,
        "opost": oflag & termios.OPOST,
        "echo": lflag & termios.ECHO,
        "icanon": lflag & termios.ICANON,
        "isig": lflag & termios.ISIG,
    }
    return " ".join(word for word, value in words.items() if value)


def unread(fd):
    settings = termios.tcgetattr(fd)
    settings[3] &= ~termios.ICANON
    termios.tcsetattr(fd, termios.TCSANOW, settings)
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]


def start(slave, argv):
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        os.closerange(3, 1024)
        os.execvp(argv[0], argv)
    return pid


def pass_output(master):
    try:
        data = os.read(master, 65536)
    except BlockingIOError:
        return False
    tell(output=base64.b64encode(data).decode())
    return True


def obey(order, master, slave, cooked):
    if "type" in order:
        os.write(master, order["type"].encode())
    if "resize" in order:
        set_size(master, *order["resize"])
    if "cook" in order:
        termios.tcsetattr(slave, termios.TCSANOW, cooked)
    if "mode" in order:
        tell(mode=mode(slave))
    if "hangup" in order:
        os.close(master)
        return -1
    return master


def main():
    rows, columns, *argv = sys.argv[1:]
    master, slave = os.openpty()
    cooked = termios.tcgetattr(slave)
    set_size(master, int(rows), int(columns))
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = start(slave, argv)
    os.set_blocking(master, False)
    tell(pid=pid)
    orders = b""
    inputs = {0, wake_read}
    while True:
        ready, _, _ = select.select(inputs | ({master} if master >= 0 else set()), [], [])
        if master in ready:
            pass_output(master)
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                inputs.discard(0)
            *lines, orders = (orders + data).split(b"\n")
            for order in map(json.loads, lines):
                master = obey(order, master, slave, cooked)
        ended, status = os.waitpid(pid, os.WNOHANG) if wake_read in ready else (0, 0)
        if ended:
            while master >= 0 and pass_output(master):
                pass
            status = os.waitstatus_to_exitcode(status)
            if master < 0:
                tell(status=status, mode="", unread=0)
            else:
                tell(status=status, mode=mode(slave), unread=unread(slave))
            return


main()
