# SPDX-License-Identifier: Apache-2.0
"""gdb for programs on the goroutine runtime, live and on a core file.

    info goroutines            every goroutine: number, state, where it began
    goroutine N bt             its stack; any other command runs in its innermost frame that is not the runtime's,
                               e.g. `goroutine 7 info locals`
    goroutine all bt           of each

and printers for channels, mutexes and WaitGroups. gdb loads it with an installed libgoroutine by itself; else:
`source .../goroutine-gdb.py`. The runtime's debug information must be there.

How: a parked goroutine is its saved stack pointer (runtime/arch/*/switch.S says what lies there). While a command
runs for it, an unwinder tells gdb that the caller of the selected thread's innermost frame is the place where the
goroutine stopped. Nothing is written, so a core file is as good as a process.
"""
import os
import re

import gdb
from gdb.unwinder import Unwinder, register_unwinder

FREE, RUNNABLE, RUNNING, WAITING, DEAD = range(5)

# Words above the saved stack pointer, and how many bytes the frame has.
FRAMES = {
    "x86-64": (["r15", "r14", "r13", "r12", "rbx", "rbp", "rip"], 8, 64, "rip", "rsp"),
    "aarch64": (["x%d" % i for i in range(19, 31)], 0, 176, "pc", "sp"),
}


def text(pointer, default=""):
    try:
        return pointer.string() if int(pointer) != 0 else default
    except gdb.error:
        return default


def goroutines():
    """Every live goroutine's control block, by number."""
    found = []
    try:
        chunk = gdb.parse_and_eval("go__blocks")["chunks"]
    except gdb.error:
        raise gdb.GdbError("no debug information of the goroutine runtime in this program")
    while int(chunk) != 0:
        for i in range(min(int(chunk["used"]), int(chunk["n"]))):
            g = (chunk["g"].address.cast(gdb.lookup_type("struct go_g").pointer()) + i).dereference()
            if int(g["status"]) not in (FREE, DEAD):
                found.append(g)
        chunk = chunk["next"]
    return sorted(found, key=lambda g: int(g["info"]["id"]))


def running():
    """{goroutine number: thread} of those that a thread runs now."""
    found, selected = {}, gdb.selected_thread()
    frame = gdb.selected_frame()
    for thread in gdb.selected_inferior().threads():
        try:
            thread.switch()
            m = gdb.parse_and_eval("go__m_self")
            if int(m) != 0 and int(m["g"]) != 0:
                found[int(m["g"]["info"]["id"])] = thread
        except gdb.error:
            continue
    selected.switch()
    frame.select()
    return found


def state(g, threads):
    number = int(g["info"]["id"])
    if number in threads and int(g["status"]) != WAITING:
        return "running on thread %d" % threads[number].num
    if int(g["status"]) == WAITING:
        why = str(g["why"])
        return why[len("GO_WAIT_"):].lower().replace("_", " ") if why.startswith("GO_WAIT_") else why
    return {RUNNABLE: "runnable", RUNNING: "running"}.get(int(g["status"]), "?")


class Id:
    """A frame's identity for gdb: outside of the frames that it unwinds to, by the goroutine's own stack."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Parked(Unwinder):
    sp = None

    def __init__(self):
        super().__init__("parked goroutine")

    def __call__(self, pending):
        if self.sp is None or pending.level() != 0:
            return None
        names, skip, size, pc, stack = architecture_of(pending)
        unsigned = gdb.lookup_type("unsigned long")
        void = gdb.lookup_type("void").pointer()
        words = gdb.Value(self.sp + skip).cast(unsigned.pointer())
        info = pending.create_unwind_info(Id(gdb.Value(self.sp).cast(void), pending.read_register(pc)))
        for i, name in enumerate(names):
            info.add_saved_register(name, words[i])
        if pc not in names:
            info.add_saved_register(pc, words[len(names) - 1])
        info.add_saved_register(stack, gdb.Value(self.sp + size).cast(unsigned))
        return info


def architecture_of(pending):
    return FRAMES["aarch64" if "aarch64" in pending.architecture().name() else "x86-64"]


unwinder = Parked()
register_unwinder(None, unwinder, replace=True)


def first_of_program(frame):
    """The innermost frame that is not the runtime's own."""
    runtime = os.path.dirname(gdb.lookup_global_symbol("go__entry").symtab.fullname())
    f = frame
    while f is not None:
        symtab = f.find_sal().symtab
        if f.name() and not (symtab and os.path.dirname(symtab.fullname()) == runtime) and "go__" not in f.name():
            return f
        f = f.older()
    return frame


def run_parked(g, command):
    """Frame 0 is the thread's; the goroutine's begin at 1."""
    selected = gdb.selected_frame().level()
    unwinder.sp = int(g["sp"])
    gdb.invalidate_cached_frames()
    try:
        if re.match(r"(bt|backtrace|where)\b", command):
            out = gdb.execute(command, to_string=True)
            lines = out[out.find("#1 "):] if "#1 " in out else ""
            print(re.sub(r"(?m)^#(\d+)( *)", lambda m: "#%d%s" % (int(m[1]) - 1, m[2]), lines), end="")
        else:
            first_of_program(gdb.newest_frame().older()).select()
            gdb.execute(command)
    finally:
        unwinder.sp = None
        gdb.invalidate_cached_frames()
        gdb.execute("frame level %d" % selected, to_string=True)


def run_for(g, threads, command):
    number = int(g["info"]["id"])
    if int(g["status"]) in (WAITING, RUNNABLE) and int(g["bound"]) == 0 and number not in threads:
        if int(g["sp"]) == 0:
            print("not started yet: %s" % text(g["info"]["fn_name"], "?"))
        else:
            run_parked(g, command)
        return
    if number not in threads:
        raise gdb.GdbError("goroutine %d runs on a thread that is not known" % number)
    selected = gdb.selected_thread()
    threads[number].switch()
    try:
        gdb.execute(command)
    finally:
        selected.switch()


class InfoGoroutines(gdb.Command):
    """Every goroutine: number, state, name, function and the go statement that started it."""

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STACK)

    def invoke(self, _arg, _from_tty):
        threads = running()
        for g in goroutines():
            name = g["info"]["name"].string()
            print("%6d  %-22s %s%s  %s" % (int(g["info"]["id"]), state(g, threads), text(g["info"]["fn_name"], "?"),
                                          " (%s)" % name if name else "", text(g["info"]["where"])))


class Goroutine(gdb.Command):
    """goroutine N|all COMMAND: run a command, e.g. bt, where that goroutine stopped."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK)

    def invoke(self, arg, _from_tty):
        which, _, command = arg.strip().partition(" ")
        command = command.strip() or "bt"
        if which != "all" and not which.isdigit():
            raise gdb.GdbError("goroutine NUMBER|all [COMMAND]; see `info goroutines`")
        threads, found = running(), False
        for g in goroutines():
            if which == "all":
                print("goroutine %d [%s]:" % (int(g["info"]["id"]), state(g, threads)))
            if which == "all" or int(which) == int(g["info"]["id"]):
                run_for(g, threads, command)
                found = True
        if not found:
            raise gdb.GdbError("no goroutine %s" % which)


def waiters(queue):
    n, w = 0, queue["first"]
    while int(w) != 0 and n < 100000:
        n, w = n + 1, w["next"]
    return n


class Channel:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        v = self.value
        return "channel of %d bytes, %d of %d%s, %d waiting to receive, %d to send" % (
            int(v["elem_size"]), int(v["count"]), int(v["cap"]), ", closed" if v["closed"] else "",
            waiters(v["recvq"]), waiters(v["sendq"]))


class Mutex:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        v = self.value
        return "%s, %d waiting" % ("locked" if int(v["go__word"]) & 1 else "free", waiters(v["go__queue"]))


class WaitGroup:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return "counter %d, %d waiting" % (int(self.value["go__word"]) >> 32, waiters(self.value["go__queue"]))


def printer(value):
    kinds = {"go_chan_of": Channel, "go_mutex": Mutex, "go_waitgroup": WaitGroup}
    kind = kinds.get(value.type.strip_typedefs().tag)
    return kind(value) if kind else None


gdb.pretty_printers.append(printer)
InfoGoroutines()
Goroutine()
