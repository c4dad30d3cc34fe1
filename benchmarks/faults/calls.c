/* Makes the nth system call of a kind fail, for files below one folder, and sets the clock back: preloaded.
 *
 *   cc -shared -fPIC -O1 -o calls.so calls.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NONE, OPEN, WRITE, FSYNC, RENAME, MKDIR, UNLINK };

static char under[PATH_MAX];
static int armed = NONE, error_number, sticky;
static volatile int left, fired;
static long offset;
static long long offset_at;

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* Let the nth call of a kind fail from now on; once, or for ever. */
void faults_arm(const char *folder, int kind, int nth, int number, int for_ever) {
    snprintf(under, sizeof under, "%s/", folder);
    error_number = number;
    sticky = for_ever;
    left = nth;
    fired = 0;
    armed = kind;
}

int faults_fired(void) { return fired; }

/* Set the clock of the day to so many seconds from what it is, after some nanoseconds. */
void faults_clock(long seconds, long long after) {
    struct timespec now;
    REAL(clock_gettime);
    real(CLOCK_MONOTONIC, &now);
    offset_at = now.tv_sec * 1000000000LL + now.tv_nsec + after;
    offset = seconds;
}

static int hit(int kind) {
    if (armed != kind) return 0;
    int turn = __sync_sub_and_fetch(&left, 1);
    if (turn == 0 || (turn < 0 && sticky)) {
        fired = 1;
        errno = error_number;
        return 1;
    }
    return 0;
}

static int below(const char *path) { return strncmp(path, under, strlen(under)) == 0; }

static int is_file(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int is_path(int folder, const char *path) {
    char whole[2 * PATH_MAX], link[64], base[PATH_MAX];
    if (path[0] == '/') {
        if (strncmp(path, "/proc/self/fd/", 14)) return below(path);
        snprintf(link, sizeof link, "/proc/self/fd/%d", atoi(path + 14));
    } else if (folder == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, base, sizeof base - 1);
    if (length < 0) return 0;
    base[length] = 0;
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    return below(whole);
}

static int opening(int folder, const char *path, int flags) {
    return armed == OPEN && (flags & (O_CREAT | O_WRONLY | O_RDWR)) && is_path(folder, path) && hit(OPEN);
}

#define MODE(flags)                            \
    mode_t mode = 0;                           \
    if ((flags) & (O_CREAT | O_TMPFILE)) {     \
        va_list rest;                          \
        va_start(rest, flags);                 \
        mode = va_arg(rest, mode_t);           \
        va_end(rest);                          \
    }

int open(const char *path, int flags, ...) {
    REAL(open);
    MODE(flags)
    return opening(AT_FDCWD, path, flags) ? -1 : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    REAL(open64);
    MODE(flags)
    return opening(AT_FDCWD, path, flags) ? -1 : real(path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
    REAL(openat);
    MODE(flags)
    return opening(folder, path, flags) ? -1 : real(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    REAL(openat64);
    MODE(flags)
    return opening(folder, path, flags) ? -1 : real(folder, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    return armed == WRITE && is_file(fd) && hit(WRITE) ? -1 : real(fd, data, size);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    return armed == WRITE && is_file(fd) && hit(WRITE) ? -1 : real(fd, data, size, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    return armed == WRITE && is_file(fd) && hit(WRITE) ? -1 : real(fd, parts, count);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
    REAL(sendfile64);
    return armed == WRITE && is_file(to) && hit(WRITE) ? -1 : real(to, from, at, size);
}
int fsync(int fd) {
    REAL(fsync);
    return armed == FSYNC && is_file(fd) && hit(FSYNC) ? -1 : real(fd);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return armed == RENAME && is_path(AT_FDCWD, to) && hit(RENAME) ? -1 : real(from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return armed == MKDIR && is_path(AT_FDCWD, path) && hit(MKDIR) ? -1 : real(path, mode);
}
int unlink(const char *path) {
    REAL(unlink);
    return armed == UNLINK && is_path(AT_FDCWD, path) && hit(UNLINK) ? -1 : real(path);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int done = real(clock, now);
    if (clock == CLOCK_REALTIME && offset && !done) {
        struct timespec since;
        real(CLOCK_MONOTONIC, &since);
        if (since.tv_sec * 1000000000LL + since.tv_nsec >= offset_at) now->tv_sec += offset;
    }
    return done;
}
