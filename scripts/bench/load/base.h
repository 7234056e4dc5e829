/* What everything stands on: time, memory, the histogram, the options. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define NSEC 1000000000ull
#define MSEC 1000000ull
#define HDR_BYTES 32 /* magic 4, publisher 4, run id 8, seq 8, send time 8 */
#define MAGIC 0x4d514c31u
#define MAX_EP 16
#define MAX_EVENTS_LOG 32
#define MANY 512        /* with more connections than this not each turn looks at all of them */
#define CONNECTING_MAX 100

enum { T_CONNECT = 1, T_CONNACK, T_PUBLISH, T_PUBACK, T_SUBSCRIBE = 8, T_SUBACK,
       T_PINGREQ = 12, T_PINGRESP, T_DISCONNECT };

/* ------------------------------------------------------------- utilities */

static u64 now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (u64)ts.tv_sec * NSEC + (u64)ts.tv_nsec;
}

static void die(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fprintf(stderr, "mqload: ");
  vfprintf(stderr, fmt, ap);
  fprintf(stderr, "\n");
  va_end(ap);
  exit(2);
}

static void *xrealloc(void *p, size_t n) {
  p = realloc(p, n);
  if (!p) die("out of memory (%zu bytes)", n);
  return p;
}

static void *xcalloc(size_t n, size_t s) {
  void *p = calloc(n, s);
  if (!p) die("out of memory");
  return p;
}

/* Log-linear histogram: 100 ns units, 64 steps per power of two (<= 1.6 %). */
#define HIST_N (64 * 60)
typedef struct { u64 n, max, c[HIST_N]; } hist;

static void hist_add(hist *h, u64 ns) {
  u64 v = ns / 100;
  int i;
  if (v < 64) i = (int)v;
  else { int e = 63 - __builtin_clzll(v); i = ((e - 6) << 6) + (int)(v >> (e - 6)); }
  if (i >= HIST_N) i = HIST_N - 1;
  h->c[i]++;
  h->n++;
  if (ns > h->max) h->max = ns;
}

static double hist_ms(const hist *h, double q) {
  if (!h->n) return -1;
  u64 want = (u64)(q * (double)h->n), seen = 0;
  if (want >= h->n) want = h->n - 1;
  for (int i = 0; i < HIST_N; i++) {
    seen += h->c[i];
    if (seen > want) {
      u64 v;
      if (i < 128) v = (u64)i;
      else { int s = (i >> 6) - 1; v = (u64)((i & 63) + 64) << s; v += ((u64)1 << s) / 2; }
      double ms = (double)v / 1e4, mx = (double)h->max / 1e6;
      return ms > mx ? mx : ms;
    }
  }
  return (double)h->max / 1e6;
}

/* --------------------------------------------------------- configuration */

typedef struct { struct sockaddr_in sa; char name[64]; } endpoint;

static struct {
  int failover;
  endpoint ep[MAX_EP];
  int nep;
  int pubs, subs, window, payload;
  double duration, warmup;
  u64 count;
  double rate;                       /* per publisher; 0 = as fast as the window lets */
  int shared, wildcard;
  int group;                         /* one topic, the subscribers share one subscription */
  int idle;                          /* connections with a session that nobody sends to */
  int open_loop;                     /* the time of a message is when it was due */
  double series_ms, setup, ack_timeout_ms;
  int sub_clean, pub_clean;
  const char *prefix, *idprefix, *user, *pass, *label;
  int keepalive;
  double retry_ms, connect_ms, drain_idle, drain_max;
  int json, cleanup;
} cfg = {
  .pubs = 1, .subs = 1, .window = 64, .payload = 256, .duration = 8, .warmup = 1,
  .sub_clean = 0, .pub_clean = -1, .prefix = "mqload", .idprefix = "mqload", .label = "",
  .keepalive = 60, .retry_ms = 2, .connect_ms = 5000, .drain_idle = 5, .drain_max = 30,
  .cleanup = 1, .setup = 30,
};

