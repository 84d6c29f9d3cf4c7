# SPDX-License-Identifier: Apache-2.0
"""The table of real programs: what is run, on what input, and what gosan is expected to say.

`script` is a shell script that runs in an empty folder of its own, with the input of `make` in it. `$RUN` stands before
the program that is watched: empty in the run that is compared with. What the script prints, and the files that it
names on lines `file NAME`, must be the same in both. Servers listen on Unix sockets in that folder, or on `$PORT` of
the loopback address, and end by their own means.

`nothing` says that the program has one thread and no lock: gosan must say that it saw nothing, and not "clean".
`explained` lists what gosan reports of it: {code: why that is right}. Nothing else may be reported.
"""
import dataclasses
import os
import random

WORDS = ("lock", "order", "thread", "channel", "happens", "before", "epoch", "clock", "race", "wait", "group", "leak")


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    packages: tuple
    needs: tuple
    script: str
    make: tuple = ()
    explained: dict = dataclasses.field(default_factory=dict)
    nothing: bool = False
    user: str = ""  # not as root: this user of the package
    limit: int = 120


def text(folder, megabytes=6):
    """Text that compresses about as well as prose does, the same each time."""
    rng = random.Random(1)
    words = [w + str(rng.randrange(1000)) for w in WORDS for _ in range(200)]
    with open(folder / "text", "w") as f:
        for _ in range(megabytes * 10):
            f.write(" ".join(rng.choices(words, k=14000)) + "\n")


def tree(folder):
    """Two thousand small files in forty folders."""
    rng = random.Random(2)
    for d in range(40):
        (folder / "tree" / f"d{d}").mkdir(parents=True)
        for n in range(50):
            lines = (" ".join(rng.choices(WORDS, k=8)) for _ in range(60))
            (folder / "tree" / f"d{d}" / f"f{n}.txt").write_text("\n".join(lines) + "\n")


def sql(folder):
    rows = "".join(f"insert into t values({i}, 'row {i * 7919 % 10007}');\n" for i in range(60000))
    (folder / "in.sql").write_text(
        f"create table t(a integer primary key, b text);\nbegin;\n{rows}commit;\ncreate index i on t(b);\n"
        "pragma threads=2;\nselect count(*), sum(a) from t where b > 'row 5';\n"
        "select b, count(*) from t group by b order by 2 desc, 1 limit 5;\n")


def history(folder):
    """A stream for git fast-import: 1500 commits over 60 files."""
    rng, out = random.Random(3), []
    for i in range(1500):
        body = "\n".join(" ".join(rng.choices(WORDS, k=12)) for _ in range(120)) + "\n"
        out.append(f"commit refs/heads/main\ncommitter A <a@example.org> {1600000000 + i} +0000\ndata 2\nc\n\n"
                   f"M 100644 inline f{i % 60}\ndata {len(body)}\n{body}\n")
    (folder / "stream").write_text("".join(out))


def sources(folder):
    for i in range(8):
        (folder / f"m{i}.c").write_text(f"#include <stdio.h>\nint f{i}(int x) {{ return printf(\"%d\\n\", x * {i}); }}\n")
    (folder / "main.c").write_text("".join(f"int f{i}(int);\n" for i in range(8)) +
                                   "int main(void) { " + "".join(f"f{i}(3); " for i in range(8)) + "return 0; }\n")
    objects = " ".join(["main.o", *(f"m{i}.o" for i in range(8))])
    (folder / "Makefile").write_text(f"prog: {objects}\n\t$(CC) -o $@ $^\n")


def scripts(folder):
    (folder / "threads.py").write_text(
        "import threading, queue, concurrent.futures as c, zlib, hashlib\n"
        "q = queue.Queue(10)\nout = []\n"
        "def worker():\n"
        "    while (i := q.get()) is not None:\n"
        "        out.append(hashlib.sha256(zlib.compress(b'%d' % i * 20000)).hexdigest())\n"
        "ts = [threading.Thread(target=worker) for _ in range(4)]\n"
        "[t.start() for t in ts]\n[q.put(i) for i in range(400)]\n[q.put(None) for _ in ts]\n[t.join() for t in ts]\n"
        "print(len(out), hashlib.sha256(''.join(sorted(out)).encode()).hexdigest())\n"
        "with c.ThreadPoolExecutor(4) as e:\n    print(sum(e.map(lambda x: x * x, range(2000))))\n")
    (folder / "threads.js").write_text(
        "const {Worker, isMainThread, parentPort, workerData} = require('worker_threads');\n"
        "const crypto = require('crypto'), fs = require('fs');\n"
        "if (!isMainThread) { let s = 0; for (let i = 0; i < 3e6; i++) s = (s + i * workerData) % 1000003;\n"
        "  parentPort.postMessage(s); } else {\n"
        "  const ws = [1, 2, 3].map(n => new Promise(r => new Worker(__filename, {workerData: n}).on('message', r)));\n"
        "  const ps = [1, 2, 3, 4].map(n => new Promise(r => crypto.pbkdf2('p' + n, 's', 20000, 32, 'sha256',\n"
        "    (e, k) => r(k.toString('hex')))));\n"
        "  const fsp = Array.from({length: 50}, () => fs.promises.readFile(__filename).then(b => b.length));\n"
        "  Promise.all([...ws, ...ps, ...fsp]).then(v => console.log(v.join(' '))); }\n")
    (folder / "threads.rb").write_text(
        "require 'digest'\nq = SizedQueue.new(5)\nm = Mutex.new\nsum = []\n"
        "ts = 4.times.map { Thread.new { while (i = q.pop) != :end; d = Digest::SHA256.hexdigest(i.to_s * 5000)\n"
        "  m.synchronize { sum << d }; end } }\n"
        "400.times { |i| q << i }\n4.times { q << :end }\nts.each(&:join)\nputs Digest::SHA256.hexdigest(sum.sort.join)\n")
    (folder / "threads.pl").write_text(
        "use threads; use threads::shared; use Thread::Queue;\n"
        "my $q = Thread::Queue->new(); my $n :shared = 0;\n"
        "my @t = map { threads->create(sub { while (defined(my $i = $q->dequeue())) { lock($n); $n += $i } }) } 1..3;\n"
        "$q->enqueue($_) for 1..3000; $q->end(); $_->join() for @t; print \"$n\\n\";\n")
    (folder / "Threads.java").write_text(
        "import java.util.concurrent.*; import java.util.stream.*;\n"
        "public class Threads { public static void main(String[] a) throws Exception {\n"
        "  ExecutorService e = Executors.newFixedThreadPool(3); long s = 0;\n"
        "  for (Future<Long> f : e.invokeAll(IntStream.range(0, 40).mapToObj(i -> (Callable<Long>) () ->\n"
        "    LongStream.range(0, 20000).map(x -> x * i % 97).sum()).collect(Collectors.toList()))) s += f.get();\n"
        "  e.shutdown(); System.out.println(s); } }\n")


def nginx(folder):
    site(folder)
    (folder / "nginx.conf").write_text(
        f"load_module /dev/null;\n" * 0 +
        "daemon off; master_process off; pid nginx.pid; error_log stderr warn;\nthread_pool default threads=4;\n"
        "events { worker_connections 64; }\n"
        "http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;\n"
        f"scgi_temp_path s; server {{ listen unix:{folder}/s.sock; location / {{ root {folder}/site; aio threads; sendfile off; "
        "directio 4k; } } }\n")


def site(folder):
    rng = random.Random(4)
    (folder / "site").mkdir()
    for i in range(40):
        (folder / "site" / f"f{i}").write_bytes(rng.randbytes(100000 + i))
    (folder / "client.py").write_text(
        "import hashlib, http.client, socket, sys, time\n"
        "class C(http.client.HTTPConnection):\n"
        "    def connect(self):\n"
        "        self.sock = socket.socket(socket.AF_UNIX); self.sock.settimeout(30); self.sock.connect(sys.argv[1])\n"
        "for _ in range(300):\n"
        "    try:\n        C('localhost').connect(); break\n    except OSError:\n        time.sleep(0.1)\n"
        "h = hashlib.sha256()\n"
        "for n in range(10):\n"
        "    for i in range(40):\n"
        "        c = C('localhost'); c.request('GET', f'/f{i}'); r = c.getresponse(); h.update(r.read()); c.close()\n"
        "print(r.status, h.hexdigest())\n")


def apache(folder):
    site(folder)
    modules = "/usr/lib/apache2/modules"
    (folder / "httpd.conf").write_text(
        f"ServerRoot {folder}\nServerName localhost\nPidFile httpd.pid\nErrorLog error.log\nDefaultRuntimeDir {folder}\n"
        f"LoadModule mpm_event_module {modules}/mod_mpm_event.so\nLoadModule authz_core_module {modules}/mod_authz_core.so\n"
        f"User www-data\nGroup www-data\nListen 127.0.0.1:{os.environ.get('PORT', '18432')}\nStartServers 1\nThreadsPerChild 8\n"
        f"MaxRequestWorkers 8\nMinSpareThreads 1\nMaxSpareThreads 8\nDocumentRoot {folder}/site\n"
        "<Directory />\nRequire all granted\n</Directory>\n")
    (folder / "client.py").write_text(
        "import hashlib, http.client, sys, time\n"
        "for _ in range(300):\n"
        "    try:\n        http.client.HTTPConnection('127.0.0.1', int(sys.argv[1])).connect(); break\n"
        "    except OSError:\n        time.sleep(0.1)\n"
        "h = hashlib.sha256()\n"
        "for n in range(10):\n"
        "    c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n"
        "    for i in range(40):\n"
        "        c.request('GET', f'/f{i}'); r = c.getresponse(); h.update(r.read())\n"
        "print(r.status, h.hexdigest())\n")


def memcached(folder):
    (folder / "client.py").write_text(
        "import hashlib, socket, sys, threading, time\n"
        "def connect():\n"
        "    for _ in range(300):\n"
        "        try:\n            s = socket.socket(socket.AF_UNIX); s.connect('m.sock'); return s.makefile('rwb')\n"
        "        except OSError:\n            time.sleep(0.1)\n"
        "def work(n, out):\n"
        "    f = connect(); h = hashlib.sha256()\n"
        "    for i in range(4000):\n"
        "        v = b'v%d.%d' % (n, i) * 20\n"
        "        f.write(b'set k%d.%d 0 0 %d\\r\\n%s\\r\\n' % (n, i % 500, len(v), v)); f.flush(); h.update(f.readline())\n"
        "        f.write(b'get k%d.%d\\r\\n' % (n, i % 500)); f.flush()\n"
        "        h.update(f.readline()); h.update(f.readline()); h.update(f.readline())\n"
        "    out[n] = h.hexdigest()\n"
        "out = {}\nts = [threading.Thread(target=work, args=(n, out)) for n in range(4)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts]\n"
        "print(sorted(out.items()))\n")


WAIT = "for i in $(seq 300); do [ -S %s ] && break; sleep 0.1; done\n"

PROGRAMS = (
    Program("xz", ("xz-utils",), ("xz",), "$RUN xz -T2 -3 --block-size=1MiB -k -c text >a.xz && file a.xz && xz -dc a.xz | cmp - text", (text,)),
    Program("xz -d", ("xz-utils",), ("xz",), "xz -T2 -0 --block-size=1MiB -k text; $RUN xz -d -T2 -c text.xz | cmp - text && echo same", (text,)),
    Program("pigz", ("pigz",), ("pigz",), "$RUN pigz -p2 -n -k -c text >a.gz && file a.gz", (text,)),
    Program("zstd", ("zstd",), ("zstd",), "$RUN zstd -q -T2 -9 -k -c text >a.zst && file a.zst", (text,)),
    Program("lbzip2", ("lbzip2",), ("lbzip2",), "$RUN lbzip2 -n2 -k -c text >a.bz2 && file a.bz2", (text,)),
    Program("pbzip2", ("pbzip2",), ("pbzip2",), "$RUN pbzip2 -p2 -k -c text >a.bz2 && file a.bz2", (text,)),
    Program("7z", ("p7zip-full",), ("/usr/lib/p7zip/7z",), "$RUN /usr/lib/p7zip/7z a -mmt2 -mx3 -bd -bso0 a.7z text && 7z e -so a.7z | cmp - text && echo same", (text,)),
    Program("sort", ("coreutils",), ("sort",), "tr ' ' '\\n' <text >w; $RUN sort --parallel=2 -S 8M w >a && file a", (text,)),
    Program("sqlite3", ("sqlite3",), ("sqlite3",), "$RUN sqlite3 db <in.sql", (sql,)),
    Program("git gc", ("git",), ("git",),
            "export HOME=$PWD; git init -q r; cd r; git fast-import --quiet <../stream; git config pack.threads 2\n"
            "$RUN git gc -q && git fsck --no-progress && git log --oneline main | wc -l", (history,)),
    Program("git grep", ("git",), ("git",),
            "export HOME=$PWD; cd tree; git init -q; git add .; $RUN git -c grep.threads=2 grep -c 'epoch clock' | sha256sum", (tree,)),
    Program("curl", ("curl",), ("curl", "python3"),
            "python3 -m http.server --bind 127.0.0.1 --directory site $PORT >/dev/null 2>&1 & s=$!\n"
            "for i in $(seq 300); do curl -s -o /dev/null http://127.0.0.1:$PORT/ && break; sleep 0.1; done\n"
            "$RUN curl --no-progress-meter -s -Z --parallel-max 8 'http://127.0.0.1:'$PORT'/f[0-39]' -o 'o#1'; r=$?; kill $s; cat o? o?? | sha256sum; exit $r",
            (site,)),
    Program("ffmpeg", ("ffmpeg",), ("ffmpeg",),
            "$RUN ffmpeg -v error -nostdin -f lavfi -i testsrc=s=320x240:d=4 -threads 2 -c:v mpeg4 -f rawvideo -bitexact out.m4v && file out.m4v"),
    Program("convert", ("imagemagick",), ("/usr/bin/convert",),
            "export OMP_NUM_THREADS=2; $RUN /usr/bin/convert -size 500x500 gradient:red-blue -resize 1200x -blur 0x4 -depth 8 out.rgb && file out.rgb",
            nothing=True),
    Program("python3", ("python3",), ("python3",), "$RUN python3 threads.py", (scripts,)),
    Program("node", ("nodejs",), ("node",), "$RUN node threads.js", (scripts,)),
    Program("ruby", ("ruby",), ("ruby",), "$RUN ruby threads.rb", (scripts,)),
    Program("perl", ("perl",), ("perl",), "$RUN perl threads.pl", (scripts,)),
    Program("java", ("openjdk-17-jdk-headless",), ("java",), "$RUN java Threads.java", (scripts,),
            explained={"GS604": "at its end HotSpot's VM thread takes a lock for its last safepoint and keeps it, by design"}),
    Program("make", ("make", "gcc"), ("make", "gcc"), "$RUN make -s -j2 CC=gcc prog && ./prog", (sources,), nothing=True),
    Program("rg", ("ripgrep",), ("rg",), "$RUN rg -j2 --sort none -c 'epoch clock' tree | sort | sha256sum", (tree,)),
    Program("fd", ("fd-find",), ("fdfind",), "$RUN fdfind -j2 'f1.*txt' tree | sort | sha256sum", (tree,)),
    Program("stress-ng", ("stress-ng",), ("stress-ng",),
            "$RUN stress-ng -q --pthread 1 --pthread-ops 2000 --pthread-max 8 --mutex 1 --mutex-ops 100000 && echo done"),
    Program("redis", ("redis-server", "redis-tools"), ("redis-server", "redis-benchmark"),
            "$RUN redis-server --port 0 --unixsocket r.sock --io-threads 2 --io-threads-do-reads yes --save '' --appendonly no --daemonize no >log & s=$!\n"
            + WAIT % "r.sock" +
            "redis-benchmark -s r.sock -q -n 20000 -c 20 -P 8 -r 1000 -t set,get,incr,lpush >/dev/null; redis-cli -s r.sock flushall async\n"
            "redis-cli -s r.sock eval 'for i=1,20000 do redis.call(\"set\",i,i) end return redis.call(\"dbsize\")' 0\n"
            "redis-cli -s r.sock bgsave; for i in $(seq 100); do redis-cli -s r.sock info persistence | grep -q bgsave_in_progress:0 && break; sleep 0.1; done\n"
            "redis-cli -s r.sock shutdown nosave; wait $s; echo status $?"),
    Program("memcached", ("memcached",), ("memcached", "python3"),
            "$RUN memcached -u root -t 2 -s m.sock -P $PWD/m.pid & s=$!\n" + WAIT % "m.sock" +
            "python3 client.py; for i in 1 2 3; do [ -s m.pid ] && break; sleep 0.3; done; kill -INT $(cat m.pid); wait $s; echo status $?",
            (memcached,)),
    Program("nginx", ("nginx-core",), ("nginx", "python3"),
            "mkdir b p f u s; $RUN nginx -p $PWD -c nginx.conf & s=$!\npython3 client.py s.sock; kill -QUIT $(cat nginx.pid); wait $s; echo status $?",
            (nginx,)),
    Program("apache2", ("apache2-bin",), ("apache2", "python3"),
            "chmod -R a+rX .; $RUN apache2 -X -f $PWD/httpd.conf & s=$!\npython3 client.py $PORT; kill -TERM $(cat httpd.pid); wait $s; echo status $?",
            (apache,)),
    Program("postgres", ("postgresql-15",), ("/usr/lib/postgresql/15/bin/postgres",),
            "export PATH=/usr/lib/postgresql/15/bin:$PATH LC_ALL=C\ninitdb -D db -A trust -N >/dev/null\n"
            "$RUN postgres -D db -k $PWD -h '' -c max_parallel_workers_per_gather=2 >log 2>&1 & s=$!\n" + WAIT % ".s.PGSQL.5432" +
            "for i in $(seq 100); do pg_isready -q -h $PWD && break; sleep 0.1; done\n"
            "pgbench -h $PWD -i -q -s 1 postgres 2>/dev/null; pgbench -h $PWD -n -c 4 -j 2 -t 100 postgres | grep 'actually processed'\n"
            "psql -h $PWD -At -c 'select count(*), sum(aid) from pgbench_accounts' postgres; kill -INT $(head -1 db/postmaster.pid); wait $s; echo status $?",
            user="postgres"),
    Program("pgbench", ("postgresql-15",), ("/usr/lib/postgresql/15/bin/postgres",),
            "export PATH=/usr/lib/postgresql/15/bin:$PATH LC_ALL=C\ninitdb -D db -A trust -N >/dev/null\n"
            "postgres -D db -k $PWD -h '' >log 2>&1 & s=$!\n" + WAIT % ".s.PGSQL.5432" +
            "for i in $(seq 100); do pg_isready -q -h $PWD && break; sleep 0.1; done\n"
            "pgbench -h $PWD -i -q -s 1 postgres 2>/dev/null; $RUN pgbench -h $PWD -n -c 4 -j 2 -t 100 postgres | grep 'actually processed'\n"
            "kill -INT $s; wait $s", user="postgres"),
    Program("mariadb", ("mariadb-server-core", "mariadb-client-core"), ("mariadbd", "mariadb", "mariadb-install-db"),
            "mariadb-install-db --no-defaults --user=root --datadir=$PWD/db --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1\n"
            "$RUN mariadbd --no-defaults --user=root --datadir=$PWD/db --socket=$PWD/m.sock --skip-networking --pid-file=$PWD/m.pid 2>log & s=$!\n"
            + WAIT % "m.sock" +
            "for i in 1 2 3 4; do mariadb --no-defaults -uroot -S m.sock -e \"create database d$i; use d$i; create table t(a int primary key, b int) engine=innodb;"
            " insert into t select seq, seq*7%101 from seq_1_to_20000; select sum(b) from t;\" & p=\"$p $!\"; done; wait $p\n"
            "mariadb --no-defaults -uroot -S m.sock -e shutdown; wait $s; echo status $?",
            explained={"GS302": "mysqld_main creates its signal thread joinable, and nobody joins or detaches it"}, limit=240),
)
