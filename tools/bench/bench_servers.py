"""What the commands of this folder share: building, starting the servers that
are compared, the load generator, and what the kernel counts of a process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
BAZEL = os.environ.get("BAZEL", "bazel").split()
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def fail(message):
    sys.exit("%s: %s" % (os.path.basename(sys.argv[0]), message))


def options(doc, defaults):
    """--name=value arguments, of the names and kinds of `defaults`."""
    values = dict(defaults)
    for argument in sys.argv[1:]:
        match = re.fullmatch(r"--(\w+)=(.+)", argument)
        if not match or match.group(1) not in values:
            print(doc.strip(), file=sys.stderr)
            sys.exit(0 if argument == "--help" else 2)
        name, text = match.groups()
        try:
            values[name] = type(defaults[name])(text)
        except ValueError as error:
            fail("--%s: %s" % (name, error))
        if not isinstance(values[name], str) and values[name] <= 0:
            fail("--%s is more than 0" % name)
    return values


def build(targets, built=""):
    """Installs what is missing and builds, optimized; returns bazel-bin. With
    `built`, a folder of what has been built, that is taken instead."""
    if built:
        return os.path.abspath(built)
    subprocess.run([ROOT + "/tools/setup", "bench"], check=True)
    subprocess.run(BAZEL + ["build", "--config=opt"] + targets, cwd=ROOT,
                   check=True, stdin=subprocess.DEVNULL)
    out = subprocess.run(BAZEL + ["info", "--config=opt", "bazel-bin"],
                         cwd=ROOT, check=True, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return out.stdout.decode().strip()


class Server:
    """A server in a process of its own. What it prints is in a file of
    `folder`."""

    def __init__(self, name, protocol, folder, command):
        self.name = name
        self.protocol = protocol
        self.address = None
        self._log = "%s/%s.log" % (folder, name)
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log,
                                            stderr=subprocess.STDOUT)

    def wait_for(self, pattern):
        """The match in what it has printed; None if it ends without."""
        while True:
            running = self.process.poll() is None
            match = re.search(pattern, self.log())
            if match or not running:
                return match
            time.sleep(0.005)

    def log(self):
        with open(self._log, errors="replace") as log:
            return log.read()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def io_counts(self):
        """What the kernel counts of its files: syscr, the calls that read, and
        read_bytes, from the disk; sockets are not in it."""
        with open("/proc/%d/io" % self.process.pid) as io:
            return {name: int(number) for name, number in
                    re.findall(r"^(\w+): (\d+)$", io.read(), re.MULTILINE)}

    def settle(self):
        """Waits until it has nothing to do, and no child that does it."""
        after = self.cpu_seconds()
        before = -1
        while after > before + 0.02 or self._has_children():
            time.sleep(0.25)
            before, after = after, self.cpu_seconds()

    def _has_children(self):
        pid = self.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return children.read() != ""


def start_kvs(binary, folder, arguments, prefix=()):
    server = Server("Coffer", "coffer", folder,
                    [*prefix, binary, "--listen=127.0.0.1:0",
                     "--log_level=warning", *arguments])
    ready = server.wait_for(r"listening on (\S+)\n")
    if not ready:
        fail("kvs did not start: " + server.log())
    server.address = ready.group(1)
    return server


def forget_files(folder):
    """What the kernel has of them in memory: they come from the disk again."""
    for at, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(at, name), "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_of(folder, ending=""):
    """Of the files below it whose names end so."""
    return sum(os.path.getsize(os.path.join(at, name))
               for at, _, names in os.walk(folder)
               for name in names if name.endswith(ending))


def ports():
    """Ports to try, for servers that do not choose one themselves."""
    return range(20000 + os.getpid() % 10000, 60000, 97)


def start_redis(folder, arguments, prefix=()):
    for port in ports():
        server = Server("Redis", "redis", folder,
                        [*prefix, "redis-server", "--port", str(port),
                         "--bind", "127.0.0.1", "--dir", folder, *arguments])
        if server.wait_for("Ready to accept connections"):
            server.address = "127.0.0.1:%d" % port
            return server
        if "Address already in use" not in server.log():
            break
    fail("redis-server did not start: " + server.log())


def start_etcd(folder, prefix=()):
    for port in ports():
        client = "http://127.0.0.1:%d" % port
        peer = "http://127.0.0.1:%d" % (port + 1)
        server = Server("etcd", "etcd", folder, [
            *prefix, "etcd", "--data-dir", folder + "/etcd", "--name=one",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", "one=" + peer,
            "--quota-backend-bytes", str(8 << 30)])
        if server.wait_for("serving insecure client requests"):
            server.address = "127.0.0.1:%d" % port
            return server
        if "address already in use" not in server.log():
            break
    fail("etcd did not start: " + server.log())


def load(generator, server, **flags):
    """One run of the load generator: what it prints."""
    out = subprocess.run(
        [generator, "--server=" + server.address,
         "--protocol=" + server.protocol] +
        ["--%s=%s" % flag for flag in flags.items()],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if out.returncode != 0:
        fail("%s: %s" % (server.name, out.stderr.decode().strip()))
    return json.loads(out.stdout.decode())


class KernelCounts:
    """System calls, and syncs, of a process from here to end(), counted by
    perf; all are None where that is not allowed (it wants root) or not there.
    """

    EVENTS = {"system_calls": ["raw_syscalls:sys_enter"],
              "syncs": ["syscalls:sys_enter_fdatasync",
                        "syscalls:sys_enter_fsync"]}

    def __init__(self, server):
        self._perf = None
        if shutil.which("perf") is None:
            return
        events = [event for of in self.EVENTS.values() for event in of]
        command = ["perf", "stat", "-x,", "-p", str(server.process.pid)]
        for event in events:
            command += ["-e", event]
        self._perf = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE)
        time.sleep(0.1)  # until it has begun

    def end(self):
        if self._perf is None:
            return dict.fromkeys(self.EVENTS)
        self._perf.send_signal(signal.SIGINT)
        lines = self._perf.communicate()[1].decode().splitlines()
        counted = {}
        for line in lines:
            fields = line.split(",")
            if len(fields) > 2 and fields[0].isdigit():
                counted[fields[2]] = int(fields[0])
        return {name: sum(counted[event] for event in events)
                if all(event in counted for event in events) else None
                for name, events in self.EVENTS.items()}
