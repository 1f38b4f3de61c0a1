/* A clock that is CLOCK_AHEAD seconds ahead, for a process that is started with this library preloaded: so that time
   runs out without anybody waiting for it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    const char *ahead = getenv("CLOCK_AHEAD");
    if (!failed && ahead && clock == CLOCK_REALTIME)
        now->tv_sec += atol(ahead);
    return failed;
}
