/*
 * What a container's process sees, a line each: "KEY<tab>VALUE", odd bytes as \xNN. It changes nothing
 * of what it looks at.
 *
 *   probe              prints, and ends with code 7
 *   probe wait         waits for its end
 *   probe hook NAME FILE   adds what a hook sees to a file of the bundle
 *
 * Names of places beside those that it walks stand in /.probe, a line each.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { CONTENT = 96, DEPTH = 7, ENTRIES = 500, PROC = 0x9fa0, SYSFS = 0x62656572, CGROUP = 0x27e0eb };

extern char **environ;
static FILE *out;
static int walked;

static void text(const char *bytes, size_t length) {
  for (size_t k = 0; k < length; k++) {
    unsigned char byte = (unsigned char)bytes[k];
    if (byte < 32 || byte == '\\' || byte > 126) fprintf(out, "\\x%02x", byte);
    else fputc(byte, out);
  }
}

static void key(const char *format, ...) {
  char name[8192];
  va_list list;
  va_start(list, format);
  vsnprintf(name, sizeof name, format, list);
  va_end(list);
  text(name, strlen(name));
  fputc('\t', out);
}

static void value(const char *format, ...) {
  char words[8192];
  va_list list;
  va_start(list, format);
  vsnprintf(words, sizeof words, format, list);
  va_end(list);
  text(words, strlen(words));
  fputc('\n', out);
}

/* A file of /proc, a line each, under one name. */
static void lines(const char *name, const char *path, const char *only) {
  FILE *file = fopen(path, "re");
  char *line = NULL;
  size_t room = 0;
  if (file == NULL) {
    key("%s", name);
    value("%s", strerrorname_np(errno));
    return;
  }
  while (getline(&line, &room, file) > 0) {
    line[strcspn(line, "\n")] = '\0';
    char *colon = strchr(line, ':');
    if (only == NULL) {
      key("%s", name);
      value("%s", line);
    } else if (colon != NULL) {
      *colon = '\0';
      char wanted[64];
      snprintf(wanted, sizeof wanted, " %s ", line);
      if (strstr(only, wanted) == NULL) continue;
      key("%s.%s", name, line);
      value("%s", colon + 1 + strspn(colon + 1, "\t "));
    }
  }
  free(line);
  fclose(file);
}

static void strings(const char *name, char **list) {
  for (int k = 0; list[k] != NULL; k++) {
    key("%s.%d", name, k);
    value("%s", list[k]);
  }
}

static const char *kind(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "folder";
    case S_IFLNK: return "link";
    case S_IFCHR: return "char";
    case S_IFBLK: return "block";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    default: return "?";
  }
}

static void content(const char *path) {
  char bytes[CONTENT];
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
  fputs(" content=", out);
  if (got < 0) fputs(strerrorname_np(errno), out);
  else if (got > 8 && memcmp(bytes, "\177ELF", 4) == 0) fputs("ELF", out);
  else text(bytes, (size_t)got);
  if (fd >= 0) close(fd);
}

/* One place; says whether it is a folder to walk. */
static int place(const char *path) {
  struct stat status;
  struct statfs system;
  key("place %s", path);
  if (lstat(path, &status) != 0) {
    value("%s", strerrorname_np(errno));
    return 0;
  }
  fprintf(out, "%s %o %u:%u", kind(status.st_mode), status.st_mode & 07777, status.st_uid, status.st_gid);
  if (S_ISLNK(status.st_mode)) {
    char target[4096];
    ssize_t length = readlink(path, target, sizeof target);
    fputs(" to ", out);
    if (length >= 0 && strncmp(path, "/proc", 5) != 0) text(target, (size_t)length);
    fputc('\n', out);
    return 0;
  }
  int known = statfs(path, &system) == 0;
  long type = known ? system.f_type : 0;
  if (known) fprintf(out, " fs=%lx flags=%lx", type, system.f_flags);
  fputs(access(path, W_OK) == 0 ? " w" : " -", out);
  if (access(path, W_OK) != 0) fprintf(out, "(%s)", strerrorname_np(errno));
  fputs(access(path, X_OK) == 0 ? "x" : "-", out);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
    fprintf(out, " %u:%u", major(status.st_rdev), minor(status.st_rdev));
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    fprintf(out, " open=%s", fd < 0 ? strerrorname_np(errno) : "yes");
    if (fd >= 0) close(fd);
  }
  int kernels = type == PROC || type == SYSFS || type == CGROUP;
  if (S_ISREG(status.st_mode) && !kernels) {
    fprintf(out, " size=%lld", (long long)status.st_size);
    content(path);
  }
  fputc('\n', out);
  return S_ISDIR(status.st_mode) && !kernels;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void walk(const char *path, int depth) {
  if (++walked > ENTRIES || !place(path) || depth > DEPTH) return;
  DIR *folder = opendir(path);
  if (folder == NULL) {
    key("list %s", path);
    value("%s", strerrorname_np(errno));
    return;
  }
  char *names[1000];
  int count = 0;
  for (struct dirent *entry; count < 1000 && (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) names[count++] = strdup(entry->d_name);
  }
  closedir(folder);
  qsort(names, (size_t)count, sizeof *names, by_name);
  for (int k = 0; k < count; k++) {
    char next[8192];
    snprintf(next, sizeof next, "%s/%s", strcmp(path, "/") == 0 ? "" : path, names[k]);
    walk(next, depth + 1);
    free(names[k]);
  }
}

static void places(void) {
  static const char *const kernels[] = {
      "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
      "/proc/scsi", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sys/kernel",
      "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/uptime", "/proc/interrupts", "/proc/self/status",
      "/sys/firmware", "/sys/fs", "/sys/fs/cgroup", "/sys/kernel", "/sys/class/net"};
  walk("/", 0);
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) place(kernels[k]);
  FILE *file = fopen("/.probe", "re");
  char *line = NULL;
  size_t room = 0;
  if (file == NULL) return;
  while (getline(&line, &room, file) > 0) {
    line[strcspn(line, "\n")] = '\0';
    fputs("also ", out);
    place(line);
  }
  fclose(file);
}

static void fds(void) {
  for (int fd = 0; fd < 1024; fd++) {
    struct stat status;
    if (fd == fileno(out) && fd > 2) continue;
    if (fstat(fd, &status) != 0) continue;
    key("fd.%d", fd);
    value("%s %s %s", kind(status.st_mode), (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? "read" : "write",
          (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? "cloexec" : "kept");
  }
}

static void limits(void) {
  for (int k = 0; k < RLIM_NLIMITS; k++) {
    struct rlimit limit;
    key("limit.%d", k);
    if (getrlimit(k, &limit) == 0) value("%lld %lld", (long long)limit.rlim_cur, (long long)limit.rlim_max);
    else value("%s", strerrorname_np(errno));
  }
}

static void self(void) {
  char folder[8192];
  struct utsname names;
  key("cwd");
  value("%s", getcwd(folder, sizeof folder) == NULL ? strerrorname_np(errno) : folder);
  key("umask");
  mode_t mask = umask(0);
  value("%o", mask);
  uname(&names);
  key("hostname");
  value("%s", names.nodename);
  key("domainname");
  value("%s", names.domainname);
  key("personality");
  value("%x", personality(0xffffffff));
  key("nice");
  value("%d", getpriority(PRIO_PROCESS, 0));
  key("ioprio");
  value("%ld", syscall(SYS_ioprio_get, 1, 0));
  key("scheduler");
  struct sched_param scheduling;
  sched_getparam(0, &scheduling);
  value("%d %d", sched_getscheduler(0), scheduling.sched_priority);
  key("ids");
  value("session %d group %d", getsid(0) == getpid() || getsid(0) == 0, getpgrp() == getpid() || getpgrp() == 0);
  key("pid");
  value("%s", getpid() == 1 ? "1" : "other");
  key("number");
  value("%d", getpid());
  key("dumpable");
  value("%d", prctl(PR_GET_DUMPABLE));
  key("subreaper");
  int reaper = -1;
  prctl(PR_GET_CHILD_SUBREAPER, &reaper);
  value("%d", reaper);
  key("deathsignal");
  int death = -1;
  prctl(PR_GET_PDEATHSIG, &death);
  value("%d", death);
  key("securebits");
  value("%x", prctl(PR_GET_SECUREBITS));
  key("slack");
  value("%ld", (long)prctl(PR_GET_TIMERSLACK));
  sigset_t pending;
  sigpending(&pending);
  cpu_set_t cpus;
  key("cpus");
  value("%d", sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : -1);
}

static sigjmp_buf trapped;

static void trap(int signal) {
  (void)signal;
  siglongjmp(trapped, 1);
}

/* Calls that filters are about, with arguments that they may look at: the kernel takes ints of them. */
static void calls(void) {
  static const long numbers[] = {SYS_getpriority, SYS_ioprio_get, SYS_personality, SYS_getsid};
  static const long first[] = {0, 1, 2, 0x100000000, 0x100000001, 0xffffffff, 0x1fffffffff};
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
    for (size_t n = 0; n < sizeof first / sizeof *first; n++) {
      for (long second = 0; second < 2; second++) {
        /* a personality would stay, and which other processes there are is chance */
        if (numbers[k] == SYS_personality && (first[n] & 0xffffffff) != 0xffffffff) continue;
        if (numbers[k] == SYS_getsid && (first[n] & 0xffffffff) != 0) continue;
        key("call.%zu %lx %ld", k, first[n], second);
        signal(SIGSYS, trap);
        if (sigsetjmp(trapped, 1) != 0) {
          value("SIGSYS");
          continue;
        }
        errno = 0;
        long result = syscall(numbers[k], first[n], second, 0);
        value("%s", errno != 0 ? strerrorname_np(errno) : numbers[k] == SYS_getsid && result > 0 ? "a pid" : "done");
      }
    }
  }
  signal(SIGSYS, SIG_DFL);
}

static void kernel(void) {
  lines("status", "/proc/self/status",
        " Umask Uid Gid Groups SigBlk SigIgn SigCgt SigPnd ShdPnd CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs "
        "Seccomp Seccomp_filters Threads ");
  lines("uid_map", "/proc/self/uid_map", NULL);
  lines("gid_map", "/proc/self/gid_map", NULL);
  lines("setgroups", "/proc/self/setgroups", NULL);
  lines("oom", "/proc/self/oom_score_adj", NULL);
  lines("cgroup", "/proc/self/cgroup", NULL);
  lines("link", "/proc/net/dev", " lo eth0 ");
  static const char *const sysctls[] = {"net/ipv4/ip_forward", "net/ipv4/ip_unprivileged_port_start", "kernel/msgmax",
                                        "kernel/shmmax", "kernel/domainname", "kernel/sem", "fs/mqueue/msg_max"};
  for (size_t k = 0; k < sizeof sysctls / sizeof *sysctls; k++) {
    char path[128];
    char name[128];
    snprintf(path, sizeof path, "/proc/sys/%s", sysctls[k]);
    snprintf(name, sizeof name, "sysctl.%s", sysctls[k]);
    lines(name, path, NULL);
  }
  lines("mount", "/proc/self/mountinfo", NULL);
}

static int hook(const char *name, const char *path) {
  char state[65536];
  size_t got = fread(state, 1, sizeof state, stdin);
  out = fopen(path, "ae");
  if (out == NULL) return 3;
  key("hook %s", name);
  text(state, got);
  fputc('\n', out);
  strings(name, environ);
  char folder[8192];
  key("%s cwd", name);
  value("%s", getcwd(folder, sizeof folder) == NULL ? strerrorname_np(errno) : folder);
  fclose(out);
  return 0;
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "wait") == 0) {
    for (;;) pause();
  }
  if (count == 4 && strcmp(arguments[1], "hook") == 0) return hook(arguments[2], arguments[3]);
  out = stdout;
  fds();
  strings("arg", arguments);
  strings("env", environ);
  kernel();
  lines("clock", "/proc/self/timens_offsets", NULL);
  self();
  calls();
  limits();
  places();
  fflush(out);
  return 7;
}
